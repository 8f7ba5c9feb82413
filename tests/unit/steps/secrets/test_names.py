from __future__ import annotations

import pytest

from pystatic_tasks.steps.secrets.names import CREDENTIALS, GITS_OWN, PRIVATE_KEY, VARIABLES, reason_of_name


@pytest.mark.parametrize(
    ("reason", "places"),
    [
        (VARIABLES, [".env", "shop/.env", "/srv/.env.production", ".env.local", "x/.envrc"]),
        (VARIABLES, ["prod.env", "x/.envs/.production/.django", ".env.example.local"]),
        (CREDENTIALS, [".aws/.env.example", "x/.ssh/example.env", ".kube/.env.sample"]),
        (VARIABLES, [".envs/django", "x/.envs/.local/postgres", ".envs/example"]),
        (VARIABLES, [".ENV", "Prod.Env"]),
        (VARIABLES, [".env-prod", "x/.env_local", ".envrc.local", ".env copy", ".env (1)"]),
        (VARIABLES, [".env~", "x/prod.env.bak", "#.env#", ".envrc~", ".env.1"]),
        (PRIVATE_KEY, ["id_rsa~", "tls/server.pfx.bak", "server.key.old", "x.p12.2024", "store.jks.orig.bak"]),
        (CREDENTIALS, [".netrc.orig", ".npmrc~", "credentials.json.bak", ".credentials.json.swp", "x.kdbx.old"]),
        (CREDENTIALS, ["x/terraform.tfstate.1699999999.backup", ".aws/config~"]),
        (PRIVATE_KEY, [".id_rsa.swp", "tls/.server.key.swo", "id_rsa.~1~", "x/server.pfx.~12~", "#id_rsa#"]),
        (CREDENTIALS, [".docker/#config.json#", ".config/pypoetry/.auth.toml.swp", "huggingface/token.~1~"]),
        (VARIABLES, [".env.swo", "x/.prod.env.swp", ".env.~2~"]),
        (VARIABLES, ["prod.env.gz", "x/.envs/.production/.django.xz", ".env.bz2.bak"]),
        (PRIVATE_KEY, ["tls/server.key.zst", "id_rsa.GZ"]),
        (CREDENTIALS, [".docker/config.json.gz", "x/.config/containers/auth.json.xz", "huggingface/token.gz.bak"]),
        (GITS_OWN, ["shop.git/config.gz"]),
        ("", [".env.example.gz", "docker/config.json.gz", "id_rsa.pub.xz", ".gz"]),
        ("", [".env.example.swp", ".page.html.swp", "page.~1~", ".#", "#"]),
        (PRIVATE_KEY, ["a.pkcs12", "http.keytab", "a.jceks"]),
        (CREDENTIALS, [".secrets.toml", "conf/.secrets.yaml", ".streamlit/secrets.toml", "x/.secrets/db"]),
        (
            CREDENTIALS,
            [
                "gcp-credentials.json",
                "credentials.yml",
                "conf/secrets.toml",
                "secrets.json",
                "aws-credentials.yaml",
                "prod.kubeconfig",
                ".kubeconfig",
                "kubeconfig.yaml",
            ],
        ),
        (CREDENTIALS, [".yarnrc.yml", ".mylogin.cnf", ".pg_service.conf", ".databrickscfg", ".kaggle/kaggle.json"]),
        (CREDENTIALS, [".config/containers/auth.json", "x/.config/pypoetry/auth.toml", ".cache/huggingface/token"]),
        (CREDENTIALS, [".config/git/credentials", ".config/git/credentials~", ".config/git/#credentials#"]),
        (CREDENTIALS, ["x/.docker/#config.json#", ".streamlit/#secrets.toml", ".cargo/#credentials.bak"]),
        (GITS_OWN, [".jj/repo/store/git/config", ".bzr/branch/branch.conf"]),
        (GITS_OWN, [".git/config", "/srv/.git/HEAD", "vendor/.hg/hgrc"]),
        (GITS_OWN, ["shop.git/config", "/srv/Shop.git/config~"]),
        ("", ["shop.git/page.html", "git/config", "shop.git.d/config"]),
        (PRIVATE_KEY, ["id_rsa", "/etc/id_ed25519", "tls/server.key", "a.p12", "a.pfx", "store.jks", "a.ppk"]),
        (CREDENTIALS, [".netrc", ".pypirc", ".npmrc", ".htpasswd", "shop/credentials.json", "secrets.kdbx"]),
        (CREDENTIALS, [".docker/config.json", "home/.aws/credentials", "/srv/.ssh/known_hosts", "x/.kube/config"]),
        (CREDENTIALS, ["x/.aws/config", ".azure/x", "home/.config/gcloud/a/b.db", ".gnupg/x", "/x/.KUBE/cache/y"]),
        (
            CREDENTIALS,
            [".vault-token", "x/.s3cfg", ".boto", "deploy/kubeconfig", "x/terraform.tfstate", ".terraformrc"],
        ),
        (
            CREDENTIALS,
            ["infra/prod.tfstate.backup", "x/application_default_credentials.json", ".cargo/credentials.toml"],
        ),
        (CREDENTIALS, [".config/gh/hosts.yml", "x/.terraform.d/credentials.tfrc.json", ".cargo/credentials"]),
        (PRIVATE_KEY, ["id_ecdsa_sk", "x/id_ed25519_sk", "backup/secring.gpg"]),
        (PRIVATE_KEY, ["ID_RSA", "a.PFX", "TLS/Server.KEY"]),
        (
            "",
            [".env.production.example", "example.env", ".ENV.Sample", "x/.docker/nginx.conf", ".aws", "x.environment"],
        ),
        (
            "",
            [".env-example", ".env_sample", ".envrc.template", ".env.example~", "id_rsa.pub.bak", "shop.html.bak", "~"],
        ),
        (
            "",
            [
                "shop/page.html",
                ".env.example",
                "x/.env.sample",
                "id_rsa.pub",
                "id_ed25519_sk.pub",
                "cacert.pem",
                "config.json",
                "pubring.gpg",
            ],
        ),
        (
            "",
            [
                ".github/x",
                ".gitignore",
                "credentials",
                "environment",
                "keys/readme.txt",
                "pip.conf",
                ".well-known/x",
                ".cargo/config.toml",
            ],
        ),
    ],
)
def test_names_tell_what_is_secret(reason: str, places: list[str]) -> None:
    assert {place: reason_of_name(place) for place in places} == dict.fromkeys(places, reason)

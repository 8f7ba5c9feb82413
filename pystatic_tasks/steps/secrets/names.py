"""Tells from the name of a file whether it is likely to contain secrets."""

from __future__ import annotations

import re
from fnmatch import translate

VARIABLES, GITS_OWN = "a file of variables", "a file of git itself"
PRIVATE_KEY, CREDENTIALS = "a private key", "a file of credentials"
# Patterns for the file's name or for its path, in lower case.
NAMES = {
    GITS_OWN: ("*.git/config",),
    VARIABLES: (".env*", "*.env", "*/.envs/*"),
    PRIVATE_KEY: (
        *("id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"),
        *("*.key", "*.p12", "*.pkcs12", "*.pfx", "*.jks", "*.jceks", "*.keytab", "*.ppk", "secring.gpg"),
    ),
    CREDENTIALS: (
        *(".netrc", "_netrc", ".pypirc", ".npmrc", ".yarnrc.yml", ".htpasswd", ".git-credentials", ".dockercfg"),
        *(".pgpass", ".pg_service.conf", ".my.cnf", ".mylogin.cnf", ".databrickscfg", ".vault-token"),
        *(".s3cfg", ".boto", ".terraformrc", "*.tfstate", "*kubeconfig", "kubeconfig.y*ml", "*.kdbx", "*.keystore"),
        *(f"{name}.{ending}" for name in ("*credentials", "secrets") for ending in ("json", "toml", "yaml", "yml")),
        *("client_secret*.json", ".secrets", ".secrets.*", "*/.secrets/*"),
        *("*/.streamlit/secrets.toml", "*/.docker/config.json", "*/.cargo/credentials", "*/.cargo/credentials.toml"),
        *("*/.config/containers/auth.json", "*/.config/git/credentials", "*/.config/pypoetry/auth.toml"),
        *("*/huggingface/token", "*/.aws/*", "*/.azure/*", "*/.config/gcloud/*", "*/.config/gh/*", "*/.gnupg/*"),
        *("*/.kaggle/*", "*/.kube/*", "*/.ssh/*", "*/.terraform.d/*"),
    ),
}
REPOSITORIES = {".git", ".hg", ".svn", ".bzr", ".jj"}
# Each as two expressions: for the whole path, and for the name alone.
EXPRESSIONS = {
    reason: [
        re.compile("|".join(translate(each) for each in patterns if ("/" in each) is of_path) or "(?!)")
        for of_path in (True, False)
    ]
    for reason, patterns in NAMES.items()
}
# What editors, people and compressors add to the name of a copy.
COMPRESSED = "gz|bz2|xz|zst|lzma|lz4|br|z"
OF_A_COPY = re.compile(rf"^#|(?:[#~]|\.~\d+|\.(?:bak|backup|old|orig|save|sw[n-p]|\d+|{COMPRESSED}))+$", re.IGNORECASE)
# Vim also puts a dot before the name, unless it begins with one.
OF_VIM = re.compile(r"^\.(?=.*\.sw[n-p]$)", re.DOTALL | re.IGNORECASE)
# Published templates, from which people write their own file.
EXAMPLE = re.compile(r".*[._-](?:example|sample|template|dist)|(?:example|sample|template|dist)\.env")


def reason_of_name(path: str) -> str:
    """Why a file of that path must not get into an image by accident, or ""; the case is ignored."""
    return next(filter(None, map(reason_of_original, originals(f"/{path.lstrip('/')}".casefold()))), "")


def originals(path: str) -> list[str]:
    """What a backup or compressed copy may be a copy of; for any other file its own path."""
    folder, slash, name = path.rpartition("/")
    names = (OF_A_COPY.sub("", each) for each in (name, OF_VIM.sub("", name)))
    return list(dict.fromkeys(f"{folder}{slash}{each}" for each in names))


def reason_of_original(path: str) -> str:
    """As `reason_of_name`, for a file that is no such copy, with its path in lower case."""
    name = path.rpartition("/")[2]
    if REPOSITORIES & set(path.split("/")):
        return GITS_OWN
    for reason, (of_path, of_name) in EXPRESSIONS.items():
        is_named = of_path.match(path) or of_name.match(name)
        if is_named and not (reason == VARIABLES and EXAMPLE.fullmatch(name)):
            return reason
    return ""

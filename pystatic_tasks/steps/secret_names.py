"""What the name of a file says of secrets in it."""

from __future__ import annotations

import re
from fnmatch import translate

VARIABLES, GITS_OWN = "a file of variables", "a file of git itself"
PRIVATE_KEY, CREDENTIALS = "a private key", "a file of credentials"
# By the file's name or by the end of its path, in small letters.
NAMES = {
    VARIABLES: (".env", ".env.*", "*.env", ".envrc", "*/.envs/*"),
    PRIVATE_KEY: (
        *("id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"),
        *("*.key", "*.p12", "*.pfx", "*.jks", "*.ppk", "secring.gpg"),
    ),
    CREDENTIALS: (
        *(".netrc", "_netrc", ".pypirc", ".npmrc", ".htpasswd", ".pgpass", ".my.cnf", ".git-credentials", ".dockercfg"),
        *(".vault-token", ".s3cfg", ".boto", ".terraformrc", "kubeconfig", "*.tfstate", "*.tfstate.backup"),
        *("credentials.json", "client_secret*.json", "application_default_credentials.json", "*.kdbx", "*.keystore"),
        *("*/.docker/config.json", "*/.cargo/credentials", "*/.cargo/credentials.toml"),
        *("*/.config/gh/*", "*/.terraform.d/*"),
        *("*/.aws/*", "*/.azure/*", "*/.config/gcloud/*", "*/.gnupg/*", "*/.kube/*", "*/.ssh/*"),
    ),
}
# Each as two expressions: for the whole path, and for the name alone.
EXPRESSIONS = {
    reason: [
        re.compile("|".join(translate(each) for each in patterns if ("/" in each) is of_path) or "(?!)")
        for of_path in (True, False)
    ]
    for reason, patterns in NAMES.items()
}
# What is published so that people write their own by it.
EXAMPLES = ("example", "sample", "template", "dist")


def reason_of_name(path: str) -> str:
    """Why a file of that path must not get into an image by accident, or ""; capitals are as small letters."""
    path = f"/{path.lstrip('/')}".casefold()
    name = path.rpartition("/")[2]
    if {".git", ".hg", ".svn"} & set(path.split("/")):
        return GITS_OWN
    for reason, (of_path, of_name) in EXPRESSIONS.items():
        is_named = of_path.match(path) or of_name.match(name)
        if is_named and not (reason == VARIABLES and is_example(name)):
            return reason
    return ""


def is_example(name: str) -> bool:
    """Whether a file of variables is called as .env.example or example.env are."""
    return name.endswith(tuple(f".{each}" for each in EXAMPLES)) or name in {f"{each}.env" for each in EXAMPLES}

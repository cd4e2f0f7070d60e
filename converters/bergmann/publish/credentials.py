"""The token of an archive: where it is found, and how it stays out of everything that is written."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bergmann.errors import ArchiveError
from bergmann.publish.instances import Instance

_SIGNED = re.compile(r"[?&][^\s?'\"<>()]*(?:X-Amz-|AWSAccessKeyId|Signature=)[^\s'\"<>()]*", re.IGNORECASE)
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?(?:token|bearer|basic)\s+)[^\s'\",}]+")
LEFT_OUT = "<left out>"


def without_signatures(text: str) -> str:
    """A text without what signs an address of an object store, and without authorizations."""
    return _AUTHORIZATION.sub(rf"\1{LEFT_OUT}", _SIGNED.sub(f"?{LEFT_OUT}", text))


@dataclass(frozen=True)
class Token:
    """A token, and where it was found; what shows it shows only the latter.

    Attributes
    ----------
    value : str
    origin : str
        E.g. ``"the variable DANDI_API_KEY"``.
    """

    value: str = field(repr=False)
    origin: str = "what was typed"

    def __str__(self) -> str:
        return f"the token from {self.origin}"

    def hidden_in(self, text: str) -> str:
        """The text without this token and without signatures."""
        return without_signatures(text.replace(self.value, LEFT_OUT) if self.value else text)


def find_token(instance: Instance, environment: Mapping[str, str] | None = None) -> Token | None:
    """The token that the dandi client would use for an instance: of its variable, else of the keyring.

    Returns
    -------
    Token or None
        None where neither has one.

    Raises
    ------
    ArchiveError
        If the variable holds what cannot be a token.
    """
    stated = (os.environ if environment is None else environment).get(instance.token_variable, "")
    if stated:
        return _checked(Token(stated.strip(), f"the variable {instance.token_variable}"))
    kept = _of_keyring(f"dandi-api-{instance.name}")
    return None if kept is None else _checked(Token(kept.strip(), "the keyring"))


def _checked(token: Token) -> Token:
    if not token.value or not token.value.isascii() or not token.value.isprintable() or " " in token.value:
        raise ArchiveError(
            f"{token.origin} holds no token: expected letters and digits in one piece; copy it anew from the archive"
        )
    return token


def _of_keyring(service: str) -> str | None:
    """What the user's keyring has; None where there is no keyring, or it is locked and nobody is there to open it."""
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(service, "key")
    except (KeyringError, EOFError):
        return None


def why_no_token(instance: Instance) -> str:
    """What to do where no token is found."""
    place = f" (on {instance.web}, at your initials)" if instance.web else ""
    return (
        f"no token for {instance.name}: set the variable {instance.token_variable} to the API key that the archive gives{place}, "
        f"or keep it in the keyring as `dandi-api-{instance.name}` of user `key`, where the dandi client keeps it, too"
    )

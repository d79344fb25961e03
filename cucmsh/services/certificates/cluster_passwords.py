"""The two passwords of the cluster: its security password, and the CCM Administrator's.

The one is kept itself, since key files are opened with it; of the other, which only a
publisher has, what tells it again.
"""

from __future__ import annotations

import hmac
import json

from cucmsh.errors import RefusedError
from cucmsh.layout import CCM_VERIFIER, SECURITY_PASSWORD
from cucmsh.secret import Secret
from cucmsh.services.certificates.verifier import make_verifier, verifies
from cucmsh.services.records import as_one
from cucmsh.services.site import Site


class ClusterPasswords:
    """Those that this node keeps."""

    def __init__(self, site: Site) -> None:
        self._home = site.home

    def check_ccm_password(self, password: Secret) -> None:
        """Refuse another password than the CCM Administrator's."""
        if not self.is_ccm_password(password):
            raise RefusedError(
                "The CCM Administrator password is not correct; nothing was changed",
                "Type the password of the CCM application administrator.",
            )

    def is_ccm_password(self, password: Secret) -> bool:
        """Whether it is the CCM Administrator's.

        Raises:
            RefusedError: the verifier is unreadable.
            MissingFileError: this node has none; only a publisher has.
        """
        try:
            return verifies(json.loads(self._home.read(CCM_VERIFIER)), password)
        except (ValueError, KeyError, TypeError) as problem:
            raise RefusedError(
                "the verifier of the CCM Administrator password is unreadable",
                f"Restore {CCM_VERIFIER} in the node's home.",
            ) from problem

    def check_security_password(self, password: Secret) -> None:
        """Refuse another password than the cluster security password."""
        if not self.is_security_password(password):
            raise RefusedError(
                "That is not the cluster security password",
                "It is the one that `cucmsh init` asked for first, or that was set "
                "since.",
            )

    def security_password(self) -> Secret:
        """The cluster security password itself, to be handed on unopened."""
        return Secret(as_one.read(self._home, SECURITY_PASSWORD).decode())

    def is_security_password(self, password: Secret) -> bool:
        """Whether it is the cluster security password."""
        given = password.reveal().encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, as_one.read(self._home, SECURITY_PASSWORD))

    def set_secrets(self, security: Secret, ccm: Secret | None) -> None:
        """Keep the cluster security password, and a verifier of the CCM password."""
        self._home.write(SECURITY_PASSWORD, security.reveal().encode())
        if ccm is not None:
            self.set_ccm_password(ccm)

    def set_ccm_password(self, password: Secret) -> None:
        """Keep a verifier of the CCM Administrator password."""
        kept = make_verifier(password)
        self._home.write(CCM_VERIFIER, json.dumps(kept).encode())

"""Who may speak to a dask cluster: TLS in both directions, with credentials that end with the cluster or with files."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_tui.contract import InputError

if TYPE_CHECKING:
    from distributed import Security

_LEEWAY = datetime.timedelta(days=1)  # the clocks of nodes may be behind
_LIFE = datetime.timedelta(days=90)


def temporary() -> dict[str, Any]:
    """Keywords of dask's `Security`: a fresh key and its own certificate, which is all that is trusted.

    `Security.temporary` does the same with a certificate that a node whose clock is behind takes for one of tomorrow.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "fer-tui")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + _LIFE)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    public = certificate.public_bytes(pem).decode()
    roles = {f"tls_{role}_{part}": text for role in ("client", "scheduler", "worker") for part, text in
             (("cert", public), ("key", secret))}  # fmt: skip
    return {"require_encryption": True, "tls_ca_file": public, **roles}


def of_files(ca: str | None, cert: str | None, key: str | None) -> Security:
    """Those of a user's own cluster; what is not named is taken from dask's configuration. InputError tells a fault."""
    from distributed import Security

    named: Mapping[str, str | None] = {"tls_ca_file": ca, "tls_client_cert": cert, "tls_client_key": key}
    given = {name: path for name, path in named.items() if path is not None}
    for path in given.values():
        if not Path(path).is_file():
            raise InputError(path, "there is no such file")
    security = Security(require_encryption=True, **given)
    found = security.get_tls_config_for_role("client")
    if not (found["ca_file"] and found["cert"]):
        raise InputError(
            "--scheduler tls://...",
            "needs the cluster's certificates",
            "--tls-ca FILE --tls-cert FILE --tls-key FILE, or distributed.comm.tls in dask's configuration",
        )
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        files = ", ".join(given.values()) or "distributed.comm.tls of dask's configuration"
        raise InputError(files, f"no certificates in PEM that belong together: {error}") from error
    return security

"""Certificates for tests: made by openssl, and one authority where nobody is reached."""

import atexit
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi


@cache
def one_authority() -> str:
    """Returns the path of a file for `ca_file`: loading all well-known authorities takes 30 ms for each client."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    first, mark, _ = Path(certifi.where()).read_text(encoding="utf-8").partition("-----END CERTIFICATE-----\n")
    file = Path(folder.name, "ca.pem")
    file.write_text(first + mark, encoding="utf-8")
    return str(file)


def openssl(folder: Path, *arguments: str) -> None:
    """Runs openssl in a folder."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def self_signed(folder: Path, name: str, *names: str) -> None:
    """Makes NAME.crt and NAME.key, which names itself or `names`, and can sign others."""
    alternative = ",".join(names or (f"DNS:{name}",))
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={alternative}", "-keyout", f"{name}.key", "-out", f"{name}.crt")  # fmt: skip


def signed(folder: Path, name: str, authority: str, *names: str) -> None:
    """Makes NAME.crt and NAME.key, signed by another one."""
    alternative = ",".join(names or (f"DNS:{name}",))
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.csr")  # fmt: skip
    (folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key",
            "-CAcreateserial", "-days", "30", "-extfile", f"{name}.ext", "-out", f"{name}.crt")  # fmt: skip

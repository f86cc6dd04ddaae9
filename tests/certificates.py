"""Certificates for tests, made by openssl."""

import subprocess
from pathlib import Path


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

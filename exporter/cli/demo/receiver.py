"""`python -m exporter.cli.demo.receiver HOST:PORT`: prints an Alertmanager's notifications as people would read them.

For compose.yml; `demo --stack` has its own.
"""

import asyncio
import sys
from collections.abc import Sequence

import typer

from exporter.app.process import serving_until_signalled
from exporter.cli.demo import notices
from exporter.domain.errors import ConfigError
from exporter.web.server.server import listen

ADDRESS = "HOST:PORT"


def run(arguments: Sequence[str]) -> int:
    """Listens on the given address until SIGTERM or SIGINT; returns the exit status, 2 for wrong use."""
    try:
        (address,) = arguments
        with listen(address, ADDRESS) as listening:
            asyncio.run(serving_until_signalled(notices.create_app(typer.echo), listening))
    except ValueError:
        sys.stderr.write(f"receiver: give the address to listen on as the only argument: {ADDRESS}\n")
        return 2
    except ConfigError as error:
        sys.stderr.write(f"receiver: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

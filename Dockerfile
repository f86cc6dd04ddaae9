# The image: the program and what it needs, hash-locked, in a virtual environment; a user without a name; nothing is written.
#
# The last stage is the image for production. `--target demo` makes one that has the simulated platforms too (`demo`, `simulate`).
#
# BASE is any image with Python >= 3.11 as python3, venv and pip included; what builds and what runs start from it, so that the
# environment finds the interpreter that it was made with.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
# What changes seldom comes first. The tools that build stay in an environment of their own, pip among them
RUN python3 -m venv /build && python3 -m venv --without-pip /app/.venv
COPY requirements/build.lock requirements/run.lock requirements/
RUN /build/bin/python -m pip install --no-deps --require-hashes -r requirements/build.lock \
    && /build/bin/python -m pip check \
    && /build/bin/python -m pip --python /app/.venv/bin/python install --no-compile --no-deps --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY alert_rules alert_rules
COPY config config
COPY exporter exporter
# Bytecode is compiled here, where it can be written, and judged by content: whatever the files' times are, none is compiled at start
RUN /build/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /build/bin/python -m pip --python /app/.venv/bin/python install --no-compile --no-deps /wheel/*.whl \
    && /build/bin/python -m pip --python /app/.venv/bin/python check \
    && /app/.venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /app/.venv

FROM build AS production
RUN package=$(echo /app/.venv/lib/python3.*/site-packages/exporter) \
    && rm -r "$package/simulator" "$package/cli/demo" "$package/shipped"

FROM ${BASE} AS runtime
ARG BASE
ARG VERSION=0.0.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="chat-usage-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the daily usage figures of chat platforms" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="https://example.org/chat-usage-exporter" \
      org.opencontainers.image.url="https://example.org/chat-usage-exporter" \
      org.opencontainers.image.documentation="https://example.org/chat-usage-exporter/docs/install.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="The authors of chat-usage-exporter" \
      org.opencontainers.image.base.name="${BASE}"
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number: Kubernetes cannot tell that a name is not root. Any other number will do as well
USER 65532:65532
EXPOSE 9854
# Asks the port as it is by default, in plain HTTP and past any proxy: with TLS or on another port switch it off (--no-healthcheck).
# Kubernetes ignores it
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/app/.venv/bin/python", "-c", "from urllib.request import *; build_opener(ProxyHandler({})).open('http://127.0.0.1:9854/-/healthy', timeout=4)"]
ENTRYPOINT ["/app/.venv/bin/chat-usage-exporter"]
CMD ["serve"]

FROM runtime AS demo
COPY --from=build /app /app

FROM runtime
COPY --from=production /app /app

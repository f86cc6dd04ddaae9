# The image: the exporter and its hash-locked dependencies in a virtual environment. It runs as a numeric user and writes no files.
#
# The last stage is the production image. `--target demo` builds one that also contains the simulated platforms (`demo`, `simulate`).
#
# BASE is any image with Python >= 3.11 as python3, with venv and pip. Build and runtime stages both use it, so that the virtual
# environment finds the interpreter that it was created with.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
WORKDIR /src
# Layers that rarely change come first. Build tools, including pip, stay in a separate environment
RUN python3 -m venv /build && python3 -m venv --without-pip /app/.venv
COPY requirements/build.lock requirements/run.lock requirements/
RUN /build/bin/python -m pip install --no-deps --require-hashes -r requirements/build.lock \
    && /build/bin/python -m pip check \
    && /build/bin/python -m pip --python /app/.venv/bin/python install --no-compile --no-deps --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY alert_rules alert_rules
COPY config config
COPY exporter exporter
# Compile bytecode here, because the image is read-only at run time. It is validated by content, so file times do not matter
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
# A number, because Kubernetes cannot verify that a named user is not root. Any other number works too
USER 65532:65532
EXPOSE 9854
# Checks the default port by plain HTTP, without a proxy. With TLS or another port, disable it (--no-healthcheck). Kubernetes
# ignores it
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/app/.venv/bin/python", "-c", "from urllib.request import *; build_opener(ProxyHandler({})).open('http://127.0.0.1:9854/-/healthy', timeout=4)"]
ENTRYPOINT ["/app/.venv/bin/chat-usage-exporter"]
CMD ["serve"]

FROM runtime AS demo
COPY --from=build /app /app

FROM runtime
COPY --from=production /app /app

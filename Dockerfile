# The server with Blender as a Python module, for CPU and GPU machines alike. `docker compose up --build`.
# Debian 12 is the release that packages Python 3.11, the only one that bpy 4.5 imports in.
ARG BASE_IMAGE=debian:bookworm-slim
FROM ${BASE_IMAGE}

LABEL org.opencontainers.image.title="render-server" \
      org.opencontainers.image.description="CAD to SAM-6D templates over HTTP, from warm Blenders on Ray Serve" \
      org.opencontainers.image.licenses="GPL-3.0-or-later"

# The lib* packages are what ldd misses for bpy and opencv (libglib2.0-0 is for opencv alone); no display is used.
# KubeRay's probes run bash and wget; Ray's cluster launcher copies files with rsync, and starts other nodes over ssh.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3.11 python3.11-venv \
      libgl1 libglib2.0-0 libice6 libsm6 libx11-6 libxext6 libxfixes3 libxi6 libxkbcommon0 libxrender1 \
      bash openssh-client rsync wget \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1000 --home-dir /var/lib/render-server --no-create-home render \
 && install -d -o render -g render /workspace /workspace/Estimation_Server \
 && install -d -o render -g render -m 0777 /var/lib/render-server /var/lib/render-server/data /var/lib/render-server/logs

ENV PATH=/opt/render-server/.venv/bin:$PATH
# The same for a login shell, which begins with a PATH of its own: both KubeRay and the cluster launcher may use one.
RUN echo 'PATH=/opt/render-server/.venv/bin:$PATH' > /etc/profile.d/render-server.sh
WORKDIR /opt/render-server

# The lock alone first: this large layer is made again only when the lock changes.
# It has what the server needs and nothing of the tests; every pin in it is one of requirements.lock.
COPY requirements.production.lock ./
RUN python3.11 -m venv .venv \
 && pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.production.lock

# .dockerignore lists what goes in.
COPY . .
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
 && rm -rf build *.egg-info \
 && python tools/ray_defaults.py \
 && render-server check

# State, and what Blender caches in the home folder, lies outside the working directory, which is somebody's mounted project;
# any uid may write there, so that `--user` works. The NVIDIA runtime reads the last one: Cycles needs `graphics` for OptiX.
ENV RAY_USAGE_STATS_ENABLED=0 \
    RAY_AUTH_MODE=token \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/render-server \
    RENDER_DATA_DIR=/var/lib/render-server/data \
    RENDER_LOG_DIR=/var/lib/render-server/logs \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics

USER render
# CADs and output_dir must lie in /workspace, unless RENDER_INPUT_ROOTS and RENDER_OUTPUT_ROOTS differ.
WORKDIR /workspace/Estimation_Server
# Ray's dashboard stays on the container's loopback; its token is in HOME, made at the first start.
# Metrics for Prometheus are on 8080.
EXPOSE 8004 8080
# The start takes a while: Ray first, then Blender. /health answers when the first is done.
# Not /ready: what acts on a health check restarts the container, and a server that is stopping, or warms a Blender, is well.
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('RENDER_SERVER_PORT', '8004') + '/health', timeout=4)"]
# Exec form, so that SIGTERM reaches the command, which then stops Ray and the Blenders in order.
CMD ["render-server", "up", "--config", "/opt/render-server/serve_config.yaml"]

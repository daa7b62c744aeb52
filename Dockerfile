# The graphcron image: one wheel and its locked dependencies on a bare Python. In a clone:
#
#   docker build --tag graphcron/graphcron:dev .
#
# It downloads what requirements/ locks and accepts no file with another hash. Where a build has no network, `python -m
# cluster.images graphcron` brings the wheels in requirements/wheels, and nothing is downloaded.
#
# It takes BuildKit, which is Docker's default since 23, podman or buildah. Every RUN is in exec form, because the base
# image that cluster/ makes has no shell.
ARG BASE_IMAGE=python:3.13-slim

# The wheels are mounted, not copied, so that no layer holds them. The lock is copied: builders that do not look into
# mounts tell by it whether this layer is still good, and it says what is in the image.
FROM ${BASE_IMAGE} AS dependencies
RUN ["python3", "-m", "venv", "--without-pip", "/opt/graphcron"]
COPY requirements/graphcron.txt /opt/graphcron/requirements.txt
RUN --mount=type=bind,source=requirements,target=/mnt/requirements \
    ["python3", "/mnt/requirements/install.py", "/opt/graphcron/bin/python", "/mnt/requirements/graphcron.txt"]
# The root file system is read-only at run time, so bytecode that is not here would be
# compiled again at every firing. Unchecked hashes: nobody edits files in an image, and
# builders that rewrite timestamps would make timestamp-checked bytecode look stale.
# Not the 700 models of the blocking Kubernetes client: nothing here imports them, and they are 30 MB.
RUN ["/opt/graphcron/bin/python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", \
     "-x", "/kubernetes/client/(api|models)/", "/opt/graphcron/lib"]

# Installed beside the dependencies, not among them: a change of our code then makes one
# small layer and leaves the large one as it was.
FROM dependencies AS project
RUN ["python3", "-m", "venv", "--without-pip", "/opt/build"]
COPY requirements/build.txt /opt/build/requirements.txt
RUN --mount=type=bind,source=requirements,target=/mnt/requirements \
    ["python3", "/mnt/requirements/install.py", "/opt/build/bin/python", "/mnt/requirements/build.txt"]
COPY pyproject.toml README.md LICENSE /src/
COPY operator/graphcron /src/operator/graphcron
RUN ["/opt/build/bin/python", "-m", "pip", "wheel", "--quiet", "--no-index", "--no-build-isolation", "--no-deps", \
     "--wheel-dir", "/wheel", "/src"]
RUN ["/opt/build/bin/python", "-m", "pip", "--python", "/opt/graphcron/bin/python", "install", "--quiet", \
     "--no-cache-dir", "--no-compile", "--no-index", "--find-links", "/wheel", "--no-deps", "--prefix", "/project", \
     "graphcron"]
RUN ["/opt/graphcron/bin/python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/project/lib"]

# What no pod of ours needs goes, and what is left is compiled, as above.
FROM ${BASE_IMAGE}
RUN ["python3", "-c", "import compileall, py_compile, shutil, sysconfig; \
from pathlib import Path; \
stdlib, programs = Path(sysconfig.get_path('stdlib')), Path(sysconfig.get_path('scripts')); \
[shutil.rmtree(path) for name in ('ensurepip', 'idlelib', 'pydoc_data', 'test', 'tkinter', 'turtledemo', \
'site-packages/pip*', 'site-packages/setuptools*', 'site-packages/wheel*') for path in stdlib.glob(name)]; \
[path.unlink() for name in ('pip*', 'idle*', 'wheel') for path in programs.glob(name)]; \
compileall.compile_dir(stdlib, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"]
COPY --from=dependencies /opt/graphcron /opt/graphcron
ENV PYTHONUNBUFFERED=1
ARG BASE_IMAGE
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title="GraphCron" \
      org.opencontainers.image.description="LangGraph's cron jobs for every self-hosted Agent Server, native to Kubernetes" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}" \
      org.opencontainers.image.licenses="Apache-2.0"
# A number, so that runAsNonRoot can be checked without reading /etc/passwd.
USER 65532:65532
ENTRYPOINT ["/opt/graphcron/bin/graphcron"]
# Last, so that a change of our code costs this one layer.
COPY --from=project /project /opt/graphcron

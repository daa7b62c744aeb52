# The graphcron image: one wheel and its locked dependencies on a bare Python.
#
# Nothing is downloaded while it builds. The build context is not this tree but a
# folder that holds what goes in and no more; `python -m cluster.images graphcron`
# lays it out as .build/context/graphcron, and by hand it is:
#
#   pip wheel --no-deps --wheel-dir context/project .
#   pip download --only-binary=:all: --require-hashes --dest context/wheels \
#       --requirement requirements/graphcron.txt
#   pip download --no-deps --dest context pip && mv context/pip-*.whl context/pip.whl
#   cp requirements/graphcron.txt context/requirements.txt
#   docker build --file Dockerfile --tag graphcron/graphcron:dev context
#
# with the pip of the Python version that BASE_IMAGE has, and BuildKit (Docker's default
# since 23; podman and buildah can do it too). Every RUN is in exec form, because the base
# image that cluster/ makes has no shell.
ARG BASE_IMAGE=python:3.13-slim

# The root file system is read-only at run time, so bytecode that is not here would be
# compiled again at every firing. Unchecked hashes: nobody edits files in an image, and
# builders that rewrite timestamps would make timestamp-checked bytecode look stale.
FROM ${BASE_IMAGE} AS base
RUN ["python3", "-c", "import compileall, py_compile, shutil, sysconfig; \
from pathlib import Path; \
stdlib, programs = Path(sysconfig.get_path('stdlib')), Path(sysconfig.get_path('scripts')); \
[shutil.rmtree(path) for name in ('ensurepip', 'idlelib', 'pydoc_data', 'test', 'tkinter', 'turtledemo', \
'site-packages/pip*', 'site-packages/setuptools*', 'site-packages/wheel*') for path in stdlib.glob(name)]; \
[path.unlink() for name in ('pip*', 'idle*', 'wheel') for path in programs.glob(name)]; \
compileall.compile_dir(stdlib, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"]

# The wheels are mounted, not copied, so this stage holds nothing but what they install
# and the image is built on it. The lock is copied: it is what tells builders that do not
# look into mounts whether this layer is still good, and it says what is in the image.
FROM base AS dependencies
RUN ["python3", "-m", "venv", "--without-pip", "/opt/graphcron"]
COPY requirements.txt /opt/graphcron/
RUN --mount=type=bind,source=pip.whl,target=/mnt/pip.whl --mount=type=bind,source=wheels,target=/mnt/wheels \
    ["/opt/graphcron/bin/python", "/mnt/pip.whl/pip", "install", "--no-cache-dir", "--no-compile", \
     "--no-index", "--find-links", "/mnt/wheels", "--require-hashes", "--requirement", "/opt/graphcron/requirements.txt"]
# Not the 700 models of the blocking Kubernetes client: nothing here imports them, and they are 30 MB.
RUN ["/opt/graphcron/bin/python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", \
     "-x", "/kubernetes/client/(api|models)/", "/opt/graphcron/lib"]

# Installed beside the dependencies, not among them: a change of our code then makes one
# small layer and leaves the large one as it was.
FROM dependencies AS project
COPY project /mnt/project
RUN --mount=type=bind,source=pip.whl,target=/mnt/pip.whl \
    ["/opt/graphcron/bin/python", "/mnt/pip.whl/pip", "install", "--no-cache-dir", "--no-compile", \
     "--no-index", "--find-links", "/mnt/project", "--no-deps", "--prefix", "/project", "graphcron"]
RUN ["/opt/graphcron/bin/python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/project/lib"]

FROM dependencies
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

# The image that Airbyte runs; `make image` builds it.
ARG BASE_IMAGE=docker.io/airbyte/python-connector-base:4.1.1@sha256:a268b44c733ae699a60f5fbc06a324945dba98945c6e2ab7f8609f2f895b0d28

FROM ${BASE_IMAGE} AS build
USER root
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# pip works on the venv from outside and is not in it.
RUN python -m venv --without-pip /opt/venv && python -m pip --python /opt/venv/bin/python --version
COPY pyproject.toml setup.py requirements.lock ./
# A package without code: only its dependencies. They stay cached when only our code changes.
# Without tests, and without the bytecode of what the CDK requires and this connector never imports.
RUN touch README.md \
    && python -m pip --python /opt/venv/bin/python install --quiet --constraint requirements.lock . \
    && find /opt/venv/lib -type d '(' -name tests -o -name test ')' -prune -exec rm -rf '{}' + \
    && for unused in pandas numpy nltk pygments; do \
         find /opt/venv/lib/python*/site-packages/$unused -name __pycache__ -prune -exec rm -rf '{}' +; \
       done
COPY README.md LICENSE ./
COPY source_autopilot source_autopilot
RUN python -m pip --python /opt/venv/bin/python install --quiet --no-deps --force-reinstall . \
    && python -m pip --python /opt/venv/bin/python check

FROM ${BASE_IMAGE}
# `make image` adds io.airbyte.version.
LABEL io.airbyte.name=airbyte/source-autopilot
COPY --from=build /opt/venv /opt/venv
COPY main.py /airbyte/integration_code/
WORKDIR /airbyte/integration_code
# Bytecode is in the image; nothing is written when the root file system is read-only.
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
ENV AIRBYTE_ENTRYPOINT="python /airbyte/integration_code/main.py"
USER airbyte
ENTRYPOINT ["python", "/airbyte/integration_code/main.py"]

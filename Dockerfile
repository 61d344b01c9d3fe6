# Not run here: no Docker engine was at hand. docs/install.md says what it makes.
FROM rust:1.93-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-pip \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /kaggle-kit
COPY . .
ENV PIP_BREAK_SYSTEM_PACKAGES=1
RUN make wheel

FROM python:3.12-slim-bookworm
# Empty: PyPI's build of PyTorch, with CUDA. https://download.pytorch.org/whl/cpu: without.
ARG TORCH_INDEX=
COPY --from=build /kaggle-kit/dist/*.whl /tmp/
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url ${TORCH_INDEX}} "torch==2.13.*" \
    && pip install --no-cache-dir /tmp/*.whl && rm /tmp/*.whl
ENV KAGGLE_KIT_ROOT=/work
WORKDIR /work
ENTRYPOINT ["kaggle-kit"]
CMD ["--help"]

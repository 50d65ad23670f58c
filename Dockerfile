# An image of tonari, for amd64 and arm64:
#
#   docker build -t REGISTRY/tonari:TAG .
#   docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/tonari:TAG --push .
#
# The bases are multi-platform indexes, by the digests under which the Docker library published the tags beside them
# (github.com/docker-library/repo-info, repos/swift/remote/6.3-bookworm.md and repos/debian/remote/bookworm-slim.md).
# To take newer ones: docker buildx imagetools inspect swift:6.3-bookworm
ARG SWIFT=swift:6.3-bookworm@sha256:7060a792f4cd9eaa0d00826d941cec00ab8d252d33b8b28bc8e105f51f2dba73
ARG DEBIAN=debian:bookworm-slim@sha256:abd67ffcfa541b485a3dff59865ab629aa048a6c613e639d36e7456b0b229241

# What the program needs at run time. .ci/image/check compares the libraries with those that the binary asks for.
FROM ${DEBIAN} AS runtime
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    ca-certificates libcurl4 libglpk40 libmosquitto1 libnghttp2-14 libprotobuf-c1 tzdata zlib1g \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log

FROM ${SWIFT} AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    libcurl4-openssl-dev libglpk-dev libmosquitto-dev libnghttp2-dev libprotobuf-c-dev pkg-config python3 zlib1g-dev \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
RUN swift build -c release --product tonari --static-swift-stdlib \
  && install -D --strip "$(swift build -c release --show-bin-path)/tonari" /out/usr/local/bin/tonari
# What is inside, and under which licences: in the image at /usr/share/doc/tonari.
COPY LICENSE NOTICE .ci/image/sbom.py ./
COPY --from=runtime /var/lib/dpkg/status runtime/status
COPY --from=runtime /usr/share/doc runtime/doc
RUN python3 sbom.py --resolved Package.resolved --checkouts .build/checkouts --swift-license /usr/share/swift/LICENSE.txt \
    --swift-version "$(swift --version 2>&1 | head -n 1)" --dpkg-status runtime/status --doc runtime/doc \
    --out /out/usr/share/doc/tonari \
  && cp LICENSE NOTICE /out/usr/share/doc/tonari/

FROM runtime
LABEL org.opencontainers.image.title="tonari" \
  org.opencontainers.image.description="Placement, replica selection and overflow for Kubernetes" \
  org.opencontainers.image.licenses="GPL-3.0-or-later"
COPY --from=build /out/ /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/tonari"]

# docker build -t tonari .
FROM swift:6.1-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libglpk-dev libmosquitto-dev libnghttp2-dev libprotobuf-c-dev zlib1g-dev libcurl4-openssl-dev pkg-config \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY benchmarks/Extender benchmarks/Extender
RUN swift build -c release --product tonari --static-swift-stdlib \
  && install -D "$(swift build -c release --show-bin-path)/tonari" /out/tonari

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libglpk40 libmosquitto1 libnghttp2-14 libprotobuf-c1 zlib1g libcurl4 ca-certificates tzdata \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/tonari /usr/local/bin/tonari
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/tonari"]

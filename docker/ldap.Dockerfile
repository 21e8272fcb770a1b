# LDAP outpost. Build from the root of the repository:
#   docker build --file docker/ldap.Dockerfile --tag gatehouse/ldap .
# Runs as user 1000 on a read-only root file system; sockets and keys are in /dev/shm.
FROM node:24.11-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci --ignore-scripts && npx tsc -b

FROM node:24.11-bookworm-slim AS modules
WORKDIR /app
COPY . .
RUN npm ci --omit=dev --ignore-scripts --workspace @gatehouse/ldap \
  && find . -name node_modules -prune -o -type f ! -name package.json -exec rm {} +

FROM node:24.11-bookworm-slim
WORKDIR /app
COPY --from=modules --chown=root:root /app .
COPY --from=build --chown=root:root /build/docker/entry.js docker/entry.js
COPY --from=build --chown=root:root /build/packages/wire/dist packages/wire/dist
COPY --from=build --chown=root:root /build/packages/daemon/dist packages/daemon/dist
COPY --from=build --chown=root:root /build/packages/contract/dist packages/contract/dist
COPY --from=build --chown=root:root /build/packages/outpost/dist packages/outpost/dist
COPY --from=build --chown=root:root /build/ldap/dist ldap/dist
ENV NODE_ENV=production TMPDIR=/dev/shm
USER 1000:1000
EXPOSE 3389 6636 9300
HEALTHCHECK --interval=30s --timeout=30s --start-period=20s --retries=3 CMD ["node", "docker/entry.js", "ldap", "healthcheck"]
ENTRYPOINT ["node", "docker/entry.js", "ldap"]

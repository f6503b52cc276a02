# No install scripts of dependencies: nothing needs compiling, and the image already has Node.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# npm needs this workspace; the server does not use it.
COPY client/package.json client/
RUN npm ci --ignore-scripts && rm -f node_modules/.bin/node
COPY tsconfig.json CHANGELOG.md ./
COPY openapi openapi
COPY generated generated
COPY server server
RUN npm run build

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
COPY client/package.json client/
# SQLite's sources and its builds for other systems would take more space than everything else.
RUN npm ci --omit=dev --ignore-scripts \
    && rm -rf node_modules/@distribu node_modules/openapi-fetch node_modules/openapi-typescript-helpers \
    && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src \
    && find node_modules/better-sqlite3/prebuilds -type f ! -name "linux-$(node -p process.arch).node" -delete

FROM node:24-bookworm-slim
# `npm run release` sets the version.
LABEL org.opencontainers.image.title="Distribu Customers API" \
    org.opencontainers.image.description="Read and write the customers of a distributor: the server and the distribu commands." \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="1.0.0"
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    DATABASE_URL=sqlite:/data/distribu.db
RUN mkdir -m 700 /data && chown node:node /data \
    && ln -s /app/dist/server/cli.js /usr/local/bin/distribu
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/openapi/openapi.yaml openapi/
COPY --from=build /app/generated/openapi.json generated/
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# The user `node` as a number, so that an orchestrator can verify that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# Checks that the process is alive, not that it is ready: no restart is needed if the database is down.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# No inspector on SIGUSR1: it would let anyone who can send the signal and reach the port run code.
CMD ["node", "--disable-sigusr1", "dist/server/cli.js", "serve"]

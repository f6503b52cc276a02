FROM node:20-bookworm-slim AS build
# better-sqlite3 is compiled where its maker has no binary for the platform, or cannot be reached.
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ make python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
# A workspace, which npm wants to know of; the server does not use it.
COPY client/package.json client/
RUN npm ci
COPY tsconfig.json ./
COPY openapi openapi
COPY generated generated
COPY server server
# What SQLite was compiled from, and its objects, take more room than all that is run.
RUN npm run build \
    && npm prune --omit=dev \
    && rm -rf node_modules/@distribu node_modules/openapi-fetch node_modules/openapi-typescript-helpers \
    && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src \
    && find node_modules/better-sqlite3/build -type f ! -name better_sqlite3.node -delete

FROM node:20-bookworm-slim
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    DATABASE_URL=sqlite:/data/distribu.db
RUN mkdir /data && chown node:node /data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/openapi/openapi.yaml openapi/
COPY --from=build /app/generated/openapi.json generated/
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# The user node, by its number: only so can an orchestrator tell that it is not root.
USER 1000:1000
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# Whether the process is alive, and not whether it is ready: a database that is down is no reason to restart.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["node", "--eval", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/server/main.js"]

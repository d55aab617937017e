# One image for every process of the service; what runs is the command:
#   node apps/<api|worker-money|worker-communication|worker-background|scheduler>/src/main.ts
#   (worker-background with NODE_OPTIONS='--max-semi-space-size=4 --max-old-space-size=160')
#   node packages/persistence/src/cli/migrate.ts
#   node packages/cli/src/main.ts …
# Node runs the TypeScript as it is, but not below node_modules: the workspace keeps its layout and links.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS toolchain
ENV CI=true
WORKDIR /app
RUN npm install --global --no-audit --no-fund pnpm@12.21.0
COPY . .

# The database client, made from the schema by a tool that production does not need.
FROM toolchain AS client
RUN --mount=type=cache,target=/root/.local/share/pnpm pnpm install --frozen-lockfile --ignore-scripts --filter queue-service --filter @queue-service/persistence
RUN node scripts/generate.mjs

FROM toolchain AS dependencies
RUN --mount=type=cache,target=/root/.local/share/pnpm pnpm install --frozen-lockfile --ignore-scripts --prod --filter-prod "{./apps/*}..." --filter-prod "@queue-service/cli..."

FROM ${NODE_IMAGE} AS runtime
RUN apt-get update && apt-get install --yes --no-install-recommends dumb-init && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=client /app/packages/persistence/src/generated ./packages/persistence/src/generated
ENV NODE_ENV=production PORT=3011 OPS_PORT=9464
# A fresh volume takes its owner from here (docker-compose.yml keeps reports in one).
RUN install --directory --owner=10001 --group=10001 /reports
# Nothing is written but to /tmp, so the root file system may be read-only.
USER 10001:10001
EXPOSE 3011 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "deploy/image/healthcheck.mjs"]
# Process 1 must pass signals on and reap; Node must be its direct child, for pnpm and npm end before it has drained.
ENTRYPOINT ["dumb-init", "--"]
CMD ["node", "apps/api/src/main.ts"]

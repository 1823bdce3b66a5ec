# docker build -t orchestrate .
# docker run --rm -it -v "$PWD/plans:/plans:ro" -v orchestrate-state:/state \
#   -v "$HOME/.ssh/known_hosts:/home/node/.ssh/known_hosts:ro" \
#   -v "$SSH_AUTH_SOCK:/agent.sock" -e SSH_AUTH_SOCK=/agent.sock orchestrate prod.yaml --dry-run
#
# It runs as the user `node` (1000), who must be able to use the agent's socket: with another id of yours, add
# --user "$(id -u)" -e HOME=/home/node and make the folder for the state yours.
FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm run build && npm pack --ignore-scripts

FROM node:22-bookworm-slim
# ssh itself: ssh_config is read by `ssh -G`, and `client: system` connects by it. tini passes signals on, and ends what
# ssh may leave behind.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends openssh-client tini \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/supervisor-orchestrate-*.tgz /tmp/
RUN npm install --global /tmp/supervisor-orchestrate-*.tgz \
  && rm /tmp/supervisor-orchestrate-*.tgz \
  && install -d -o node -g node -m 700 /state /home/node/.ssh
ENV ORCHESTRATE_STATE_DIR=/state
VOLUME /state
USER node
WORKDIR /plans
ENTRYPOINT ["tini", "--", "orchestrate"]
CMD ["--help"]

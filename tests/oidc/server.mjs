// A real OpenID provider for tests/real_oidc.rs: npm's oidc-provider, in memory, on this machine, for people who say yes.
// LAMPBOARD_OIDC_PROVIDER names the folder of the package. Prints `ready PORT`, and ends with its standard input.
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

// The package talks on standard output, which nobody reads after `ready`.
console.info = console.warn = () => {};
const folder = process.env.LAMPBOARD_OIDC_PROVIDER;
const { Provider } = await import(pathToFileURL(join(folder, "lib/index.js")).href);

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const native = (client_id) => ({
  client_id,
  application_type: "native",
  token_endpoint_auth_method: "none",
  grant_types: [DEVICE, "authorization_code", "refresh_token"],
  response_types: ["code"],
  redirect_uris: ["http://127.0.0.1/callback"],
});

const server = createServer();
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address();

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    native("board"),
    native("brief"),
    {
      client_id: "robot",
      client_secret: "canary:application/secret",
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
    },
  ],
  cookies: { keys: ["only for tests"] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  issueRefreshToken: () => true,
  rotateRefreshToken: () => true,
  ttl: {
    AccessToken: 120,
    ClientCredentials: 120,
    RefreshToken: 600,
    Grant: 600,
    Session: 600,
    Interaction: 600,
    AuthorizationCode: 60,
    DeviceCode: (ctx, token, client) => (client.clientId === "brief" ? 2 : 600),
  },
});

// The package tells no interval and knows no slow_down: both are the service's choice, and made here. Once `/slow` was
// asked for, the first question that comes too early is answered so, and then `/slow` answers.
let slow = null;
provider.use(async (ctx, next) => {
  await next();
  if (ctx.oidc?.route === "device_authorization" && ctx.status === 200) ctx.body = { ...ctx.body, interval: 1 };
  if (slow && ctx.body?.error === "authorization_pending") {
    ctx.body = { error: "slow_down", error_description: "asked too often" };
    slow();
    slow = null;
  }
});

// Whoever comes is Ada, and agrees.
provider.use(async (ctx, next) => {
  if (ctx.path === "/slow") {
    await new Promise((resolve) => (slow = resolve));
    ctx.body = "ok";
    return;
  }
  if (!ctx.path.startsWith("/interaction/")) return next();
  const { prompt, params, session, grantId } = await provider.interactionDetails(ctx.req, ctx.res);
  let result = { login: { accountId: "ada" } };
  if (prompt.name === "consent") {
    const grant = grantId
      ? await provider.Grant.find(grantId)
      : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
  ctx.respond = false;
});

server.on("request", provider.callback());
process.stdin.on("end", () => process.exit(0)).resume();
console.log(`ready ${port}`);

// A real GraphQL server for tests/real_graphql.rs: npm's graphql-yoga, on this machine. LAMPBOARD_GRAPHQL_YOGA names the folder
// of the package, the first argument the port. Knows one person, by a bearer token, a session header or an API key.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const load = createRequire(join(process.env.LAMPBOARD_GRAPHQL_YOGA, "package.json"));
const { createSchema, createYoga } = load("graphql-yoga");
const { GraphQLError } = load("graphql");

const KEY = "canary-right-91fe";
const known = ({ request }) =>
  request.headers.get("authorization") === `Bearer ${KEY}` ||
  request.headers.get("x-session") === KEY ||
  request.headers.get("x-api-key") === KEY;
const refuse = (message, code, http) => {
  throw new GraphQLError(message, { extensions: { code, http } });
};

const typeDefs = `
  type Person { id: ID!, name: String }
  type Query { viewer: Person, account: Person, kept: String, busy: String, broken: String }
`;
const ada = { id: "7", name: "Ada" };
const resolvers = {
  Query: {
    viewer: (_, __, context) => (known(context) ? ada : null),
    account: (_, __, context) => (known(context) ? ada : refuse("Sign in first", "UNAUTHENTICATED", { status: 401 })),
    kept: () => refuse("Not for you", "FORBIDDEN"),
    busy: () => refuse("Too many", "RATE_LIMITED", { status: 429, headers: { "retry-after": "30" } }),
    broken: () => {
      throw new Error("a mistake of the server's own");
    },
  },
};
const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }), logging: false });
createServer(yoga).listen(Number(process.argv[2]), "127.0.0.1");

/** A client of ecommerce-api: openapi-fetch with tokens, safe repeats, problems as errors and lists as iteration. */

import createClient, { type Client, type Middleware } from "openapi-fetch";
import { KEYED, TOKEN_TAKING } from "./operations.js";
import { documentOf, NoAnswer, SessionEnded, ShopProblem } from "./problems.js";
import { KEY, type Retries, RETRIES } from "./retries.js";
import type { components, paths } from "./schema.js";
import { Session, type SessionOptions, type Tokens } from "./sessions.js";

export type { components, paths } from "./schema.js";
export type { FieldProblem, ProblemCode } from "./problems.js";
export type { Retries, Tokens };
export { NoAnswer, SessionEnded, ShopProblem };

/** The shapes of the API by their names, as in `Schemas["Order"]`. */
export type Schemas = components["schemas"];

export interface ShopOptions extends SessionOptions {
  retries?: Partial<Retries>;
  /** What sends, `fetch` unless another is given. */
  fetch?: typeof fetch;
}

export type Shop = Client<paths, "application/json"> & {
  session: Session;
  /** Open a session, which the requests that follow are of; a guest's cart goes along. */
  logIn(email: string, password: string): Promise<Schemas["LoginWithCart"]>;
};

/** A client of the shop at this address. What the shop refuses is thrown as `ShopProblem`. */
export function openShop(url: string, options: ShopOptions = {}): Shop {
  const base = url.replace(/\/+$/, "");
  const session = new Session(base, options.fetch ?? fetch, { ...RETRIES, ...options.retries }, options);
  const client = createClient<paths, "application/json">({
    baseUrl: base,
    fetch: session.fetch,
    headers: { Accept: "application/json, application/problem+json" },
  });
  client.use(marking, refusing);
  const logIn = (email: string, password: string): Promise<Schemas["LoginWithCart"]> => {
    const cart = session.cartToken === null ? {} : { cartToken: session.cartToken };
    return given(client.POST("/auth/login", { body: { email, password, ...cart } }));
  };
  return Object.assign(client, { session, logIn });
}

/** What an operation gives: `await given(shop.GET("/cart"))`. */
export async function given<T extends { data?: unknown }>(call: Promise<T>): Promise<NonNullable<T["data"]>> {
  return (await call).data as NonNullable<T["data"]>;
}

type Listed = {
  [P in keyof paths]: paths[P] extends {
    get: { responses: { 200: { content: { "application/json": { nextCursor: string | null } } } } };
  }
    ? P
    : never;
}[keyof paths];
type PageOf<P extends Listed> = paths[P]["get"]["responses"][200]["content"]["application/json"];
type ItemOf<P extends Listed> = {
  [K in keyof PageOf<P>]: PageOf<P>[K] extends readonly (infer Item)[] ? Item : never;
}[keyof PageOf<P>];
type ParamsOf<P extends Listed> = paths[P]["get"]["parameters"];

/** Every item of a list, page by page: `for await (const order of each(shop, "/orders"))`. */
export async function* each<P extends Listed>(
  shop: Shop,
  path: P,
  params: Partial<ParamsOf<P>> = {},
): AsyncGenerator<ItemOf<P>, void> {
  const get = shop.GET as (path: P, init: unknown) => Promise<{ data?: PageOf<P> & { nextCursor: string | null } }>;
  let cursor: string | null | undefined;
  do {
    const query = { ...(params as { query?: object }).query, ...(cursor ? { cursor } : {}) };
    const page = await given(get(path, { params: { ...params, query } }));
    const items = Object.values(page).find((value) => Array.isArray(value)) as ItemOf<P>[];
    yield* items;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

// By the operation's own path, which only the client knows: what its requests carry.
const marking: Middleware = {
  onRequest({ request, schemaPath }) {
    const operation = `${request.method} ${schemaPath}`;
    if (KEYED.has(operation) && !request.headers.has(KEY)) request.headers.set(KEY, crypto.randomUUID());
    if (TOKEN_TAKING.has(operation)) request.headers.set("Takes-Token", "1"); // taken off before it is sent
    return request;
  },
};

const refusing: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw new ShopProblem(response, await documentOf(response));
    return response;
  },
};

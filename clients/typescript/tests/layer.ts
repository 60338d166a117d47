/** The layer that is written by hand, without network and without waiting; prints the name of each test that passes. */

import { each, given, NoAnswer, openShop, SessionEnded, type Shop, ShopProblem, type ShopOptions } from "ecommerce-api-client";

type Scripted = Response | Error | ((request: Request) => Response | Promise<Response>);
const TOKENS = { access: "access-1", refresh: "refresh-1" };
const LOST = new TypeError("fetch failed");
const ORDER = {
  body: {
    shippingAddress: { street: "1 Main Street", country: "US" },
    paymentMethod: { type: "card" as const, token: "tok_success" },
  },
};

class Script {
  sent: { method: string; path: string; headers: Headers; body: string }[] = [];
  waits: number[] = [];
  time = 0;

  constructor(private readonly answers: Scripted[] | ((path: string, headers: Headers) => Promise<Response>)) {}

  open(options: ShopOptions = { tokens: TOKENS }): Shop {
    const wait = async (seconds: number): Promise<void> => {
      this.waits.push(seconds);
      this.time += seconds;
    };
    const retries = { chance: () => 1, now: () => this.time, wait };
    return openShop("https://shop.example.com/api/", { ...options, retries, fetch: this.fetch as typeof fetch });
  }

  private fetch = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname.replace("/api", "");
    this.sent.push({ method: request.method, path, headers: request.headers, body: await request.text() });
    if (typeof this.answers === "function") return this.answers(path, request.headers);
    const answer = this.answers.shift();
    if (answer === undefined) throw new RangeError("more was sent than the script has");
    if (answer instanceof Error) throw answer;
    return typeof answer === "function" ? answer(request) : answer;
  };

  all(name: string): (string | null)[] {
    return this.sent.map((each) => each.headers.get(name));
  }
}

const ok = (body: unknown = {}, headers: Record<string, string> = {}): Response => Response.json(body, { headers });
const login = (n: number, more: object = {}): Response =>
  ok({ accessToken: `access-${n}`, refreshToken: `refresh-${n}`, ...more });
const MERGED = { cart: { merged: 1, changes: [] } };
const problem = (status: number, code: string, after?: string): Response =>
  new Response(JSON.stringify({ code, status, detail: "It is so." }), {
    status,
    headers: { "Content-Type": "application/problem+json", ...(after ? { "Retry-After": after } : {}) },
  });

function same(found: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${left} instead of ${right}`);
}

async function thrown(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

const tests: Record<string, () => Promise<void>> = {
  "an order whose answer is lost is sent again as it was": async () => {
    const script = new Script([LOST, problem(504, "gateway_timeout"), ok({ orderId: "ord_1" })]);
    const order = await given(script.open().POST("/orders", ORDER));
    same(order.orderId, "ord_1");
    same(new Set(script.all("Idempotency-Key")).size, 1);
    same(new Set(script.sent.map((each) => each.body)).size, 1);
    same(script.waits, [0.2, 0.4]);
  },
  "what might have been done and is not the same twice is sent once": async () => {
    for (const lost of [LOST, problem(503, "temporarily_unavailable", "1"), problem(504, "gateway_timeout")]) {
      const script = new Script([lost]);
      const error = await thrown(script.open().DELETE("/cart/items/{itemId}", { params: { path: { itemId: "prd_1" } } }));
      same(error instanceof NoAnswer || error instanceof ShopProblem, true);
      same(script.sent.length, 1);
    }
  },
  "a first request that is still being worked on is waited for": async () => {
    const script = new Script([problem(409, "request_in_progress", "2"), ok()]);
    await script.open().POST("/orders", ORDER);
    same(script.waits, [2.2]);
  },
  "an answer that stays is not asked for again": async () => {
    const refusals: [number, string][] = [[409, "insufficient_stock"], [429, "too_many_attempts"], [503, "unhealthy"]];
    for (const [status, code] of refusals) {
      const script = new Script([problem(status, code)]);
      const error = (await thrown(script.open().POST("/orders", ORDER))) as ShopProblem;
      same([error.status, error.code, script.sent.length], [status, code, 1]);
    }
  },
  "a refusal of too many requests is waited for whatever was asked": async () => {
    const script = new Script([problem(429, "too_many_requests", "3"), ok()]);
    await script.open().DELETE("/cart");
    same(script.waits, [3.2]);
  },
  "a client gives up, and says with which key": async () => {
    const script = new Script([LOST, LOST, LOST, LOST, LOST]);
    const params = { header: { "Idempotency-Key": "mine" } };
    const error = (await thrown(script.open().POST("/orders", { ...ORDER, params }))) as NoAnswer;
    same([error.name, error.idempotencyKey, error.cause === LOST], ["NoAnswer", "mine", true]);
  },
  "eight requests whose token expires together refresh it once": async () => {
    let refreshes = 0;
    const script = new Script(async (path, headers) => {
      if (path === "/auth/refresh") return refreshes++, login(2);
      return headers.get("Authorization") === "Bearer access-2" ? ok() : problem(401, "invalid_token");
    });
    const shop = script.open();
    await Promise.all([...Array(8)].map(() => shop.GET("/orders")));
    same([refreshes, shop.session.tokens], [1, { access: "access-2", refresh: "refresh-2" }]);
  },
  "a refresh that is refused ends the session for all": async () => {
    const script = new Script(async (path) => problem(401, path === "/auth/refresh" ? "token_reuse_detected" : ""));
    const shop = script.open();
    const errors = await Promise.all([...Array(4)].map(() => thrown(shop.GET("/orders"))));
    same(errors.map((each) => each instanceof SessionEnded), [true, true, true, true]);
    same(shop.session.tokens, null);
  },
  "a refresh whose answer is lost is sent again while its token has a grace": async () => {
    const script = new Script([problem(401, "invalid_token"), LOST, login(2), ok()]);
    await script.open().GET("/orders");
    same(script.sent.slice(1, 3).map((each) => each.body), Array(2).fill('{"refreshToken":"refresh-1"}'));
  },
  "a guest keeps the cart until it goes into a user's": async () => {
    const script = new Script([ok({}, { "X-Cart-Token": "cart-1" }), ok(), login(1, MERGED), ok()]);
    const shop = script.open({});
    await shop.POST("/cart/items", { body: { productId: "prd_1", quantity: 1 } });
    await shop.GET("/cart");
    await shop.logIn("ada@example.com", "correct horse battery");
    await shop.GET("/cart");
    same(script.all("X-Cart-Token"), [null, "cart-1", null, null]);
    same(script.all("Authorization"), [null, null, null, "Bearer access-1"]);
    same(script.all("Takes-Token"), [null, null, null, null]);
    same((JSON.parse(script.sent[2]!.body) as { cartToken: string }).cartToken, "cart-1");
  },
  "a cart that a login could not take over comes along at the next one": async () => {
    const script = new Script([login(1), ok(), login(2, MERGED)]);
    const shop = script.open({ cartToken: "cart-1" });
    await shop.logIn("ada@example.com", "correct horse battery");
    await shop.GET("/cart");
    await shop.logIn("ada@example.com", "correct horse battery");
    const sent = [0, 2].map((at) => (JSON.parse(script.sent[at]!.body) as { cartToken?: string }).cartToken);
    same(sent, ["cart-1", "cart-1"]);
    same(shop.session.cartToken, null);
  },
  "a list is gone through page by page": async () => {
    const pages = [{ orders: [{ orderId: "a" }], nextCursor: "x" }, { orders: [], nextCursor: "y" }];
    const script = new Script([...pages.map((page) => ok(page)), ok({ orders: [{ orderId: "b" }], nextCursor: null })]);
    const found: string[] = [];
    for await (const order of each(script.open(), "/orders")) found.push(order.orderId);
    same(found, ["a", "b"]);
  },
  "who aborts a request hears of it at once": async () => {
    const script = new Script([(request) => Promise.reject(request.signal.reason)]);
    const error = (await thrown(script.open().GET("/orders", { signal: AbortSignal.abort() }))) as Error;
    same([error.name, script.waits], ["AbortError", []]);
  },
};

for (const [name, test] of Object.entries(tests)) {
  await test();
  console.log(name);
}

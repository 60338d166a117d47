/** Who is calling, and a `fetch` that says so: tokens are renewed by it, and what is safe to repeat is repeated. */

import { documentOf, NoAnswer, SessionEnded, ShopProblem } from "./problems.js";
import { isRepeatable, KEY, type Retries, secondsToWait } from "./retries.js";

export interface Tokens {
  access: string;
  refresh: string;
}

// A spent refresh token gives the same pair again for 10 seconds; after that its use ends the session.
const REFRESH_SECONDS = 8;
const WORTHLESS = new Set(["invalid_token", "unauthorized", ""]);
const OPENING = ["/auth/login", "/auth/refresh", "/sessions"];

export interface SessionOptions {
  tokens?: Tokens | null;
  /** Hears of every change of the tokens, for whoever stores them. */
  onTokens?: (tokens: Tokens | null) => void;
  cartToken?: string | null;
}

export class Session {
  tokens: Tokens | null;
  cartToken: string | null;
  private renewing: Promise<void> | null = null;
  private ended: SessionEnded | null = null;

  constructor(
    private readonly url: string,
    private readonly send: typeof fetch,
    private readonly retries: Retries,
    private readonly options: SessionOptions,
  ) {
    this.tokens = options.tokens ?? null;
    this.cartToken = options.cartToken ?? null;
  }

  /** What the client calls instead of `fetch`. */
  fetch = async (request: Request): Promise<Response> => {
    const tried = this.tokens;
    const response = await this.tried(request, this.retries, tried);
    const isStale = response.status === 401 && tried !== null && request.headers.has("Takes-Token");
    if (!isStale || !WORTHLESS.has(String((await documentOf(response))["code"] ?? ""))) return response;
    await this.renewed(tried);
    return this.tried(request, this.retries, this.tokens);
  };

  /** Get other tokens than these, once for all who ask meanwhile. */
  private async renewed(stale: Tokens): Promise<void> {
    if (this.tokens === null && this.ended) throw this.ended;
    if (this.tokens !== stale) return;
    this.renewing ??= this.refreshed().finally(() => (this.renewing = null));
    await this.renewing;
  }

  private async refreshed(): Promise<void> {
    if (this.tokens === null) return;
    const request = new Request(`${this.url}/auth/refresh`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ refreshToken: this.tokens.refresh }),
    });
    const soon = { ...this.retries, totalSeconds: Math.min(this.retries.totalSeconds, REFRESH_SECONDS) };
    const response = await this.tried(request, soon, null, true);
    if (response.ok) return;
    const problem = await documentOf(response);
    if (response.status !== 401) throw new ShopProblem(response, problem);
    this.keep(null);
    this.ended = new SessionEnded(response, problem);
    throw this.ended;
  }

  private async tried(
    request: Request,
    retries: Retries,
    tokens: Tokens | null,
    isSame = isRepeatable(request),
  ): Promise<Response> {
    const since = retries.now();
    const body = request.body === null ? null : await request.clone().arrayBuffer();
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.sent(request, body, tokens);
      const seconds = await secondsToWait(outcome, isSame, attempt, since, retries);
      if (seconds !== null) {
        await retries.wait(seconds);
      } else if (outcome instanceof Response) {
        await this.hear(request, outcome, body);
        return outcome;
      } else {
        throw new NoAnswer(request, outcome, request.headers.get(KEY));
      }
    }
  }

  /** An answer, or why there is none. Whoever aborted the request hears of that at once. */
  private async sent(request: Request, body: ArrayBuffer | null, tokens: Tokens | null): Promise<unknown> {
    const { method, signal } = request;
    const headers = new Headers(request.headers);
    headers.delete("Takes-Token");
    const cart = this.isAboutCart(request) ? this.cartToken : null;
    if (request.headers.has("Takes-Token") && tokens) headers.set("Authorization", `Bearer ${tokens.access}`);
    else if (cart) headers.set("X-Cart-Token", cart);
    try {
      return await this.send(new Request(request.url, { method, headers, body, signal }));
    } catch (error) {
      if (signal.aborted) throw error;
      return error;
    }
  }

  /** Take what an answer says about who is calling. */
  private async hear(request: Request, response: Response, body: ArrayBuffer | null): Promise<void> {
    const path = this.path(request);
    if (!response.ok) {
      if (this.isAboutCart(request) && (await documentOf(response))["code"] === "cart_not_found") this.cartToken = null;
    } else if (request.method === "POST" && OPENING.includes(path)) {
      const said = (await response.clone().json()) as { accessToken: string; refreshToken: string; cart?: object };
      const sent = JSON.parse(new TextDecoder().decode(body ?? new ArrayBuffer())) as { cartToken?: string };
      // It has gone into the user's; without `cart` it has not, and goes with the next login.
      if (said.cart && sent.cartToken === this.cartToken) this.cartToken = null;
      this.ended = null;
      this.keep({ access: said.accessToken, refresh: said.refreshToken });
    } else if (path === "/auth/logout") {
      this.keep(null);
    } else {
      this.cartToken = response.headers.get("X-Cart-Token") ?? this.cartToken;
    }
  }

  private keep(tokens: Tokens | null): void {
    this.tokens = tokens;
    this.options.onTokens?.(tokens);
  }

  private path(request: Request): string {
    return new URL(request.url).pathname.slice(new URL(this.url).pathname.replace(/\/$/, "").length);
  }

  private isAboutCart(request: Request): boolean {
    return /^\/cart(\/|$)/.test(this.path(request));
  }
}

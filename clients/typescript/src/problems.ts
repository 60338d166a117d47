/** What goes wrong: the shop refuses, the session has ended, or no answer comes. */

import type { components } from "./schema.js";

/** The codes that this client knows; a newer shop may have others. */
export type ProblemCode = components["schemas"]["ProblemCode"];

/** A faulty field; some codes tell more, such as `available`. */
export type FieldProblem = components["schemas"]["FieldProblem"] & Record<string, unknown>;

type Said = Record<string, unknown>;

/**
 * The shop refused a request. `code` says why; of an answer that is no problem document it is empty. `document` has
 * what some codes tell besides, such as `orderId`.
 */
export class ShopProblem extends Error {
  override name = "ShopProblem";
  readonly status: number;
  readonly code: ProblemCode | (string & {});
  readonly detail: string;
  readonly errors: readonly FieldProblem[];
  readonly requestId: string | null;
  readonly retryAfter: number | null;

  constructor(response: Response, readonly document: Said) {
    const code = String(document["code"] ?? "");
    const detail = String(document["detail"] ?? "");
    super([response.status, code || response.statusText].join(" ") + (detail && `: ${detail}`));
    this.status = response.status;
    this.code = code;
    this.detail = detail;
    this.errors = Array.isArray(document["errors"]) ? (document["errors"] as FieldProblem[]) : [];
    this.requestId = (document["requestId"] as string | undefined) ?? response.headers.get("X-Request-Id");
    this.retryAfter = secondsAsked(response);
  }
}

/** The tokens are worth nothing any more: somebody has to log in. */
export class SessionEnded extends ShopProblem {
  override name = "SessionEnded";
}

/**
 * No answer came, as often as was tried. The shop may have done what was asked: send the same with the same
 * `idempotencyKey` to find out, or look.
 */
export class NoAnswer extends Error {
  override name = "NoAnswer";

  constructor(request: Request, cause: unknown, readonly idempotencyKey: string | null) {
    super(`${request.method} ${new URL(request.url).pathname}: no answer came.`, { cause });
  }
}

/** The problem document of an answer, without reading the answer itself; empty if it is none. */
export async function documentOf(response: Response): Promise<Said> {
  if (!response.headers.get("Content-Type")?.includes("json")) return {};
  try {
    const said: unknown = await response.clone().json();
    return typeof said === "object" && said !== null && !Array.isArray(said) ? (said as Said) : {};
  } catch {
    return {};
  }
}

/** The seconds that Retry-After asks to wait, also where it names a time. */
export function secondsAsked(response: Response): number | null {
  const said = response.headers.get("Retry-After")?.trim() ?? "";
  if (/^\d+$/.test(said)) return Number(said);
  const until = Date.parse(said);
  const now = Date.parse(response.headers.get("Date") ?? "");
  return Number.isNaN(until) || Number.isNaN(now) ? null : Math.max(0, (until - now) / 1000);
}

/** Whether to send a request again, and after how long. */

import { documentOf, secondsAsked } from "./problems.js";

export const KEY = "Idempotency-Key";

/**
 * How often, and how long: `attempts` in all, and none that would begin after `totalSeconds`. The wait is a random part
 * of `baseSeconds`, doubled each time up to `mostSeconds` (full jitter), after what Retry-After asks for.
 */
export interface Retries {
  attempts: number;
  baseSeconds: number;
  mostSeconds: number;
  totalSeconds: number;
  chance: () => number;
  now: () => number;
  wait: (seconds: number) => Promise<void>;
}

export const RETRIES: Retries = {
  attempts: 5,
  baseSeconds: 0.2,
  mostSeconds: 5,
  totalSeconds: 60,
  chance: Math.random,
  now: () => performance.now() / 1000,
  wait: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
};

// Refusals that last longer than a program should wait in silence.
const LASTING = new Set(["too_many_attempts", "quota_exceeded"]);

/**
 * Is it the same to send it twice, in effect and in answer? So it is with what reads, what has an Idempotency-Key, and
 * what sets something whatever it was before. `fetch` does not tell a connection that was never made from an answer
 * that got lost, so nothing else is sent again after either.
 */
export function isRepeatable(request: Request): boolean {
  if (["GET", "HEAD"].includes(request.method)) return true;
  if (request.method === "PUT") {
    return !request.headers.has("If-Match") && !new URL(request.url).pathname.endsWith("/users/password");
  }
  return request.method === "POST" && request.headers.has(KEY);
}

/** The seconds to wait before the next attempt, null if there is to be none; `outcome` is an answer, or why none. */
export async function secondsToWait(
  outcome: unknown,
  isSame: boolean,
  attempt: number,
  since: number,
  retries: Retries,
): Promise<number | null> {
  if (attempt >= retries.attempts) return null;
  if (!(outcome instanceof Response ? await isRefusedForNow(outcome, isSame) : isSame)) return null;
  const asked = outcome instanceof Response ? (secondsAsked(outcome) ?? 0) : 0;
  const jitter = retries.chance() * Math.min(retries.mostSeconds, retries.baseSeconds * 2 ** (attempt - 1));
  return retries.now() - since + asked + jitter > retries.totalSeconds ? null : asked + jitter;
}

async function isRefusedForNow(response: Response, isSame: boolean): Promise<boolean> {
  const code = String((await documentOf(response))["code"] ?? "");
  switch (response.status) {
    case 429: // asked before anything is done
      return !LASTING.has(code);
    case 409:
      return isSame && code === "request_in_progress";
    case 503:
      return isSame && secondsAsked(response) !== null;
    case 504:
      return isSame;
    default:
      return false;
  }
}

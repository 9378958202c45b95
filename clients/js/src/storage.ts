import { area } from "./host.js";
import type { Login } from "./login.js";

/** Where a login is kept. What is written has to be read again as it was, or as `null`. */
export interface LoginStorage {
  read(): Login | null | Promise<Login | null>;
  write(login: Login | null): void | Promise<void>;
  /** A name if the windows of a browser share this storage: of their Web Lock and their BroadcastChannel. Without it they have neither. */
  readonly shared?: string;
}

/** As long as the page lives, and for it alone. A hostile script in the page finds no token lying about. */
export function memory(): LoginStorage {
  let kept: Login | null = null;
  return {
    read: () => kept,
    write: (login) => {
      kept = login;
    },
  };
}

/**
 * `localStorage` (all windows, until the login ends) or `sessionStorage` (one window).
 *
 * **Every script of the page can read the tokens there and send them away**: one hostile dependency or one hole for
 * cross-site scripting is enough. Never use it in production for sensitive applications; use memory or cookies
 * (`delivery: "cookie"`). Where the browser has no such storage, this is memory.
 */
export function webStorage(name: "localStorage" | "sessionStorage", key = "tokenpair"): LoginStorage {
  const store = area(name);
  if (!store) return memory();
  return {
    shared: name === "localStorage" ? key : undefined,
    read: () => parse(store.getItem(key)),
    write: (login) => {
      if (login) store.setItem(key, JSON.stringify(login));
      else store.removeItem(key);
    },
  };
}

function parse(text: string | null): Login | null {
  try {
    return JSON.parse(text ?? "null") as Login | null;
  } catch {
    return null;
  }
}

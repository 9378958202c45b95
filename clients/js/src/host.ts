/** What browsers have, and Node, workers or pages over plain HTTP may not have. */
interface Host {
  BroadcastChannel?: typeof BroadcastChannel;
  document?: Document;
  localStorage?: Storage;
  /** That of a worker cannot go elsewhere. */
  location?: Pick<Location, "href"> & Partial<Location>;
  navigator?: { locks?: LockManager };
  sessionStorage?: Storage;
}

export const host: Host = globalThis;

/** How late browsers show other windows a change of `localStorage`, in milliseconds: later than a lock or a message. */
export const SETTLE = 100;

/** A web storage, if there is one: a browser that blocks cookies throws where others have it, Node 25 has an empty object. */
export function area(name: "localStorage" | "sessionStorage"): Storage | undefined {
  try {
    const store = host[name];
    return typeof store?.getItem === "function" ? store : undefined;
  } catch {
    return undefined;
  }
}

/** What relative addresses are relative to. */
export function here(): string | undefined {
  return host.document?.baseURI ?? host.location?.href;
}

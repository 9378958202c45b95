/** Streams, also those of Node: they cannot be sent twice. All the other bodies that a request may have can. */
export function isReadOnce(body: unknown): boolean {
  if (typeof body !== "object" || body === null) return false;
  return "getReader" in body || "pipe" in body || Symbol.asyncIterator in body;
}

import { host, SETTLE } from "./host.js";

export interface AuthEvent {
  type: "login" | "refresh" | "logout";
  /** Of a log-out: somebody asked for it, or the server refused the refresh token. */
  reason?: "asked" | "refused";
  /** Whether it happened in another window, which shares the storage. Refreshes of other windows are not told. */
  elsewhere: boolean;
}

export type Listener = (event: AuthEvent) => void;

/** Tells listeners of this window and, if the storage is shared, of the others. */
export class Events {
  readonly #listeners = new Set<[AuthEvent["type"], Listener]>();
  readonly #channel: BroadcastChannel | undefined;

  constructor(shared?: string) {
    if (!shared || !host.BroadcastChannel) return;
    this.#channel = new host.BroadcastChannel(shared);
    this.#channel.onmessage = ({ data }: MessageEvent<AuthEvent>) => {
      setTimeout(() => {
        this.#call({ ...data, elsewhere: true });
      }, SETTLE);
    };
    (this.#channel as { unref?(): void }).unref?.();
  }

  /** Yields what ends it. */
  on(type: AuthEvent["type"], listener: Listener): () => void {
    const entry: [AuthEvent["type"], Listener] = [type, listener];
    this.#listeners.add(entry);
    return () => {
      this.#listeners.delete(entry);
    };
  }

  tell(type: AuthEvent["type"], reason?: AuthEvent["reason"]): void {
    const event: AuthEvent = { type, reason, elsewhere: false };
    if (type !== "refresh") this.#channel?.postMessage(event);
    this.#call(event);
  }

  /** A listener's defect is reported as one of its own. It must not spoil the refresh that it was told of. */
  #call(event: AuthEvent): void {
    for (const [type, listener] of this.#listeners) {
      if (type !== event.type) continue;
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

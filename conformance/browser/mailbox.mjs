// A mail server that keeps what it is given.
import net from "node:net";

/** Listens on a port of its own; yields the port, and the link of the next message to an address. */
export async function mailbox() {
  const messages = [];
  const waiting = [];
  const server = net.createServer((socket) => receive(socket, (text) => {
    messages.push(text);
    for (const look of waiting.splice(0)) look();
  }));
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    port: server.address().port,
    /** The link in the message to this address, which is then gone. */
    async link(address) {
      for (;;) {
        const found = messages.findIndex((text) => text.includes(`To: ${address}`));
        if (found >= 0) return /https?:\/\/\S+/.exec(messages.splice(found, 1)[0])[0];
        await new Promise((look) => waiting.push(look));
      }
    },
    stop: () => server.close(),
  };
}

/** SMTP as far as one message needs it. */
function receive(socket, keep) {
  let [buffer, isText] = ["", false];
  const say = (line) => socket.write(`${line}\r\n`);
  socket.on("error", () => {});
  say("220 mailbox");
  socket.setEncoding("utf8").on("data", (data) => {
    buffer += data;
    for (let end; (end = buffer.indexOf(isText ? "\r\n.\r\n" : "\r\n")) >= 0; ) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + (isText ? 5 : 2));
      if (isText) {
        keep(line.replaceAll("=\r\n", "").replaceAll("=3D", "="));
        isText = false;
        say("250 kept");
      } else if (line.startsWith("DATA")) {
        isText = true;
        say("354 go on");
      } else if (line.startsWith("QUIT")) {
        say("221 bye");
        socket.end();
      } else {
        say("250 mailbox");
      }
    }
  });
}

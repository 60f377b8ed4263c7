// Verifies webhooks with the official library: [{secret, raw, body, headers}] on standard input.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const results = JSON.parse(readFileSync(0, "utf8")).map(({ secret, raw, body, headers }) => {
  try {
    const key = raw ? Uint8Array.from(Buffer.from(secret, "utf8")) : secret;
    const webhook = new Webhook(key, raw ? { format: "raw" } : undefined);
    return webhook.verify(body, headers);
  } catch (error) {
    return String(error.message);
  }
});
console.log(JSON.stringify(results));

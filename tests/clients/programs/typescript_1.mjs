// The client of the TypeScript SDK 1.x.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { COMMAND } from "./calls.mjs";
import { useAll } from "./typescript.mjs";

const [command, ...args] = COMMAND;
const client = new Client({ name: "typescript-1", version: "1" });
await client.connect(new StdioClientTransport({ command, args }));
await useAll(client);

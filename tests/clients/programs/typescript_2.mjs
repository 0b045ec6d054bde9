// The client of the TypeScript SDK 2.x.

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { COMMAND } from "./calls.mjs";
import { useAll } from "./typescript.mjs";

const [command, ...args] = COMMAND;
const client = new Client({ name: "typescript-2", version: "1" });
await client.connect(new StdioClientTransport({ command, args }));
await useAll(client);

// Validates the bundle by the schema of its manifest's version, packs it, and compares what was packed.
import { equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packExtension, unpackExtension, validateManifest } from "@anthropic-ai/mcpb";

const bundle = join(process.cwd(), "distribution", "mcpb");
const manifest = join(bundle, "manifest.json");
ok(validateManifest(manifest), "the manifest is not valid");

const directory = await mkdtemp(join(tmpdir(), "mcpb-"));
const outputPath = join(directory, "uniqc-mcp.mcpb");
ok(await packExtension({ extensionPath: bundle, outputPath, silent: true }), "it can't be packed");
const unpacked = join(directory, "unpacked");
ok(await unpackExtension({ mcpbPath: outputPath, outputDir: unpacked, silent: true }));
for (const name of ["manifest.json", "pyproject.toml", "src/server.py"]) {
  equal(readFileSync(join(unpacked, name), "utf8"), readFileSync(join(bundle, name), "utf8"));
}

/** Serves the built browser app. Hashed assets are kept for ever by the browser; pages are asked for again each time. */
import { readFile, realpath } from 'node:fs/promises';
import { extname, resolve, sep } from 'node:path';
import type { Context } from 'hono';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

const NOT_BUILT = `<!doctype html><html lang="en"><title>Dinghy</title><h1>The site has not been built</h1>
<p>Stop the mesh and start it with <code>npm start</code>: it builds what is missing. By hand: <code>node scripts/build-site.mjs</code>.</p></html>`;

const readInside = async (root: string, path: string): Promise<Uint8Array | undefined> => {
  if (path.includes('\0') || path.includes('\\')) return undefined;
  try {
    const [realRoot, realFile] = await Promise.all([realpath(root), realpath(resolve(root, `.${path}`))]);
    if (!realFile.startsWith(realRoot + sep)) return undefined;
    return await readFile(realFile);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
};

const decoded = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
};

/** root: folder of the built app. Paths without an extension are pages of the app and get its one document. */
export const staticFiles =
  (root: string) =>
  async (context: Context): Promise<Response> => {
    const path = decoded(context.req.path);
    if (path === undefined) return context.text('Not a path.', 400);
    const isPage = extname(path) === '';
    const bytes = await readInside(root, isPage ? '/index.html' : path);
    if (bytes === undefined) {
      if (!isPage) return context.text('There is no such file.', 404);
      return context.html(NOT_BUILT, 503);
    }
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    const cached = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    return new Response(new Uint8Array(bytes), {
      headers: { 'content-type': isPage ? 'text/html; charset=utf-8' : type, 'cache-control': cached },
    });
  };

/**
 * A tiny issuer of tokens: `GET /jwks` has the public keys, `POST /token` signs the claims in its body, `POST /rotate` makes a new key and
 * `POST /retire` forgets all but the newest. Keys are made when it starts and live nowhere else. For labs and tests: it signs whatever it is asked to.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

const ISSUER = process.env.ISSUER ?? 'testing@dinghy';
const ALGORITHM = process.env.ALGORITHM ?? 'RS256';
const MOST_BYTES = 64 * 1024;
const LIFE_SECONDS = 3600;

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly jwk: object;
}

let made = 0;
const makeKey = async (): Promise<SigningKey> => {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const kid = `key-${++made}`;
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: ALGORITHM, use: 'sig' } };
};

let keys = [await makeKey()];

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > MOST_BYTES) throw new RangeError('too long');
    parts.push(part);
  }
  return length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString('utf8'));
};

/** Claims win over what is filled in: issuer, subject and times. */
const sign = (claims: JWTPayload): Promise<string> => {
  const key = keys.at(-1) as SigningKey;
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ iss: ISSUER, sub: 'somebody', iat: now, exp: now + LIFE_SECONDS, ...claims })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: 'JWT' })
    .sign(key.privateKey);
};

const send = (response: ServerResponse, status: number, type: string, body: string): void => {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
};

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const jwks = () => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
  switch (`${request.method} ${request.url?.split('?', 1)[0]}`) {
    case 'GET /jwks':
    case 'GET /.well-known/jwks.json':
      return send(response, 200, 'application/json', jwks());
    case 'POST /token': {
      const claims = await readJson(request).catch(() => undefined);
      if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
        return send(response, 400, 'text/plain', 'the body must be a JSON object of claims\n');
      return send(response, 200, 'application/jwt', await sign(claims as JWTPayload));
    }
    case 'POST /rotate':
      keys.push(await makeKey());
      return send(response, 200, 'application/json', jwks());
    case 'POST /retire':
      keys = keys.slice(-1);
      return send(response, 200, 'application/json', jwks());
    default:
      return send(response, 404, 'text/plain', 'not found\n');
  }
};

const server = createServer((request, response) => {
  answer(request, response).catch(() => request.socket.destroy());
});
server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1');
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    server.close();
    server.closeAllConnections();
    setTimeout(() => process.exit(0), 200).unref();
  });

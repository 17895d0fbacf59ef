/** What the sample authorizer says, as Istio's does: yes to whoever sends `x-ext-authz: allow`. One pure rule, whatever carries it. */

/** What it is told of a request. Header names in lower case. */
export interface AskedRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Its answer. */
export interface Decision {
  readonly allowed: boolean;
  readonly headers: readonly (readonly [string, string])[];
  /** For the client, when denied. */
  readonly body: string;
}

const CHECK = 'x-ext-authz';
const RESULT = 'x-ext-authz-check-result';
const RECEIVED = 'x-ext-authz-check-received';
const OVERRIDE = 'x-ext-authz-additional-header-override';
const MOST = 4000;

/** One line of printable ASCII: what was received becomes a header. */
const printable = (text: string): string => text.replace(/[^ -~]/g, '?').slice(0, MOST);

/** override: value of the header that shows which way the question came. */
export const decide = (request: AskedRequest, override: string): Decision => {
  const { method, host, path, headers, body } = request;
  const said = headers.filter(([name]) => name === CHECK).flatMap(([, value]) => value.split(','));
  const allowed = said.length > 0 && said.every((each) => each.trim() === 'allow');
  const told = headers.map(([name, value]) => (/^(authorization|cookie)$/.test(name) ? [name, '…'] : [name, value]));
  return {
    allowed,
    headers: [
      [RESULT, allowed ? 'allowed' : 'denied'],
      [RECEIVED, printable(`${method} ${host}${path}, headers: ${JSON.stringify(Object.fromEntries(told))}, body: [${body}]`)],
      [OVERRIDE, printable(override)],
    ],
    body: allowed ? '' : `denied by ext_authz for not found header \`${CHECK}: allow\` in the request`,
  };
};

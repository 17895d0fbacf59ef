/** Path templates: `*` is one segment, `**` any number, `{name}` and `{name=…}` are captures. Source: extensions.path.match.uri_template.v3. */
import { RE2JS } from 're2js';
import { ConfigError, inField } from '#api/config-error.ts';
import { type Any, UriTemplateMatchConfig } from '#envoy';
import { decodeConfig, expectType } from '../decode-config.ts';
import { bare } from './attributes.ts';
import { needRequests, type Rule, type RuleScope } from './rule.ts';

/** Characters of a segment: RFC 3986's, but `*`. */
const CHARACTERS = "a-zA-Z0-9\\-._~%!$&'()+,;:@=";
const LITERAL = new RegExp(`^[${CHARACTERS}]+`);
const ONE_SEGMENT = `[${CHARACTERS}]+`;
const ANY_TEXT = `[${CHARACTERS}/]*`;
const MOST_CAPTURES = 5;
const LONGEST = 1_024;

const malformed = (why: string): never => {
  throw new ConfigError('path_template', why);
};

const quoted = (text: string): string => text.replace(/[$()+.]/g, '\\$&');

/** LIVING STATE of one parse. */
class TemplateParser {
  #rest: string;
  #textGlob = false;
  readonly #names = new Set<string>();

  constructor(template: string) {
    this.#rest = template;
  }

  /** The regular expression of the whole template. */
  parse(): string {
    if (!/^\/[!-~]*$/.test(this.#rest)) malformed('must begin with / and hold printable characters only');
    let regex = '';
    while (this.#rest !== '') {
      if (!this.#take('/')) {
        // What follows an operator in the same segment ends the path.
        regex += this.#literal();
        if (this.#rest !== '') malformed('text after an operator must be the end');
        break;
      }
      regex += '/';
      if (this.#rest !== '') regex += this.#segment();
    }
    return regex;
  }

  #take(text: string): boolean {
    if (!this.#rest.startsWith(text)) return false;
    this.#rest = this.#rest.slice(text.length);
    return true;
  }

  #segment(): string {
    if (this.#rest.startsWith('*')) return this.#operator();
    return this.#take('{') ? this.#capture() : this.#literal();
  }

  #literal(): string {
    const found = LITERAL.exec(this.#rest)?.[0] ?? malformed(`${JSON.stringify(this.#rest.slice(0, 32))} is not allowed there`);
    this.#take(found);
    return quoted(found);
  }

  #operator(): string {
    if (this.#textGlob) malformed('nothing may be left open after **');
    if (this.#take('**')) {
      this.#textGlob = true;
      return ANY_TEXT;
    }
    this.#take('*');
    return ONE_SEGMENT;
  }

  /** Names only count for rewriting, which rules do not do: the group needs none. */
  #capture(): string {
    const [whole, name = '', pattern] = /^([^=}]*)(?:=([^}]*))?\}/.exec(this.#rest) ?? malformed('{ is never closed');
    if (!/^[a-zA-Z][a-zA-Z0-9_]{0,15}$/.test(name)) malformed(`${JSON.stringify(name.slice(0, 32))} is no name of a capture`);
    if (this.#names.has(name)) malformed(`there are two captures called ${name}`);
    if (this.#names.size === MOST_CAPTURES) malformed(`there are more than ${MOST_CAPTURES} captures`);
    this.#names.add(name);
    const after = this.#rest.slice(whole.length);
    this.#rest = pattern ?? '*';
    let regex = this.#part();
    while (this.#take('/')) regex += `/${this.#part()}`;
    if (this.#rest !== '') malformed(`${JSON.stringify(this.#rest.slice(0, 32))} is not allowed in a capture`);
    this.#rest = after;
    return regex;
  }

  #part(): string {
    return this.#rest.startsWith('*') ? this.#operator() : this.#literal();
  }
}

/** Whether a path without query fits, in time linear in its length. Throws ConfigError. */
export const compileTemplate = (template: string): ((path: string) => boolean) => {
  if (template.length > LONGEST) malformed(`is longer than ${LONGEST} characters`);
  const compiled = RE2JS.compile(new TemplateParser(template).parse());
  return (path) => compiled.matches(path);
};

const URL = 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';

/** Throws ConfigError with a path relative to the extension. */
export const compileUriTemplate = ({ typedConfig }: { readonly typedConfig?: Any | undefined }, scope: RuleScope): Rule => {
  needRequests(scope, '');
  if (!typedConfig) throw new ConfigError('typed_config', 'is missing');
  const test = inField('typed_config', () => {
    expectType(typedConfig, URL);
    return compileTemplate(decodeConfig(typedConfig, UriTemplateMatchConfig).pathTemplate);
  });
  return (request) => test(bare(request.path));
};

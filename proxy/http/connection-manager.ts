/** Outermost handler. (Shape only so far.) */
import type { Handler } from './filter.ts';
import type { HttpRequest } from './message.ts';

/** A route whose walk (filters of the listener, then router) is already composed. */
export interface CompiledRoute {
  readonly name: string;
  readonly handle: Handler;
}

/** Which route; "no route" is a compiled route too, whose terminal answers NR behind the listener's filters. */
export interface RouteTable {
  match(request: HttpRequest): CompiledRoute;
}

/** Preloaded with `--import`: patches the one file that the MUTANT variable names while it is loaded. Product code has no switches for this. */
import { registerHooks } from 'node:module';
import type { Mutant } from './mutant.ts';

/** The patched source. Throws when the text is not there, or more than once: a mutant that changes nothing proves nothing. */
export const mutate = ({ id, file, find, replace }: Mutant, source: string): string => {
  const pieces = source.split(find);
  if (pieces.length !== 2) throw new Error(`mutant ${id}: its text stands ${pieces.length - 1} times in ${file}, not once`);
  return pieces.join(replace);
};

const text = process.env.MUTANT;
if (text !== undefined) {
  const mutant: Mutant = JSON.parse(text);
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith(`/${mutant.file}`)) return loaded;
      const bytes = loaded.source;
      const source = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes ?? undefined);
      return { ...loaded, source: mutate(mutant, source) };
    },
  });
}

/** Details of a book. Knows its facts by heart. */
import { json, serve } from '../serve.ts';

const detailsOf = (id: number) => ({
  id,
  author: 'William Shakespeare',
  year: 1595,
  type: 'paperback',
  pages: 200,
  publisher: 'PublisherA',
  language: 'English',
  'ISBN-10': '1234567890',
  'ISBN-13': '123-1234567890',
});

serve('details', (_request, path) => {
  if (path === '/health') return json(200, { status: 'Details is healthy' });
  const id = /^\/details\/(\d{1,9})$/.exec(path)?.[1];
  if (id === undefined) return json(path.startsWith('/details/') ? 400 : 404, { error: 'please provide numeric product id' });
  return json(200, detailsOf(Number(id)));
});

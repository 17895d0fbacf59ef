/** HTML of the shop. Every text that came from elsewhere is escaped. */

/** What details tells. */
export type Details = Readonly<Record<string, string | number>>;

/** What reviews tells. */
export interface Reviews {
  readonly version?: string;
  readonly podname?: string;
  readonly reviews: readonly {
    readonly reviewer: string;
    readonly text: string;
    readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string };
  }[];
}

const escapeHtml = (text: unknown): string => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2530;--paper:#fff;--line:#d8dee6;--soft:#f4f6f9}
@media(prefers-color-scheme:dark){:root{--ink:#e7ecf3;--paper:#14181e;--line:#313a46;--soft:#1b2129}}
body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{max-width:60rem;margin:0 auto;padding:1.5rem}header{display:flex;justify-content:space-between;padding:1rem 1.5rem;border-bottom:1px solid var(--line)}
.columns{display:grid;grid-template-columns:1fr 2fr;gap:2rem}section{background:var(--soft);border:1px solid var(--line);border-radius:10px;padding:1rem 1.25rem}
dt{font-size:.8rem;opacity:.75}dd{margin:0 0 .5rem}blockquote{margin:.5rem 0 1rem;padding-left:1rem;border-left:3px solid var(--line)}
.version{display:inline-block;padding:.1rem .6rem;border-radius:6px;color:#fff;font-weight:600}.v1{background:#52606d}.v2{background:#8a5a00}.v3{background:#6b3fa0}
.red{color:#c62828}@media(prefers-color-scheme:dark){.red{color:#ff7b72}}`;

const layout = (title: string, side: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head><body><header><strong>Bookinfo</strong>${side}</header><main>${body}</main></body></html>`;

const starsOf = (rating: Reviews['reviews'][number]['rating']): string => {
  if (rating === undefined) return '';
  if (rating.stars === undefined) return `<em>${escapeHtml(rating.error ?? 'no stars')}</em>`;
  const count = Math.max(0, Math.min(5, Math.round(rating.stars)));
  return `<span class="${rating.color === 'red' ? 'red' : 'black'}" role="img" aria-label="${count} of 5 stars">${'★'.repeat(count)}${'☆'.repeat(5 - count)}</span>`;
};

const reviewsSection = (reviews: Reviews | undefined): string => {
  if (reviews === undefined)
    return '<section><h2>Reviews</h2><p>Sorry, product reviews are currently unavailable for this book.</p></section>';
  const version = /^v[123]$/.test(reviews.version ?? '') ? (reviews.version as string) : '';
  const quotes = reviews.reviews.map(
    (review) =>
      `<blockquote>${escapeHtml(review.text)}<br><small>${escapeHtml(review.reviewer)}</small> ${starsOf(review.rating)}</blockquote>`,
  );
  return `<section><h2>Reviews <span class="version ${version}">${escapeHtml(version || 'reviews')}</span></h2>${quotes.join('')}<small>served by ${escapeHtml(reviews.podname ?? 'reviews')}</small></section>`;
};

const detailsSection = (details: Details | undefined): string => {
  if (details === undefined)
    return '<section><h2>Details</h2><p>Sorry, product details are currently unavailable for this book.</p></section>';
  const rows = Object.entries(details).map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`);
  return `<section><h2>Details</h2><dl>${rows.join('')}</dl></section>`;
};

/** The book and what people say about it; undefined parts are shown as unavailable. */
export const productPage = (shown: {
  readonly user: string | undefined;
  readonly details: Details | undefined;
  readonly reviews: Reviews | undefined;
}): string => {
  const side =
    shown.user === undefined ? '<a href="/login">Sign in</a>' : `<span>${escapeHtml(shown.user)} <a href="/logout">sign out</a></span>`;
  const body = `<h1>The Comedy of Errors</h1><p>One of Shakespeare's early plays, his shortest, and much of it slapstick and puns.</p><div class="columns">${detailsSection(shown.details)}${reviewsSection(shown.reviews)}</div>`;
  return layout('Bookinfo', side, body);
};

/** A form that asks for a name only: any name will do. */
export const loginPage = (problem = ''): string =>
  layout(
    'Sign in',
    '',
    `<h1>Sign in</h1><p>${escapeHtml(problem)}</p><form method="post" action="/login"><label>Name <input name="username" required autofocus></label> <button>Sign in</button></form>`,
  );

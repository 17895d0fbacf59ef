/** Text that the build made from our own Markdown; nothing from the mesh ever comes here. */
export const Html = ({ html, inline }: { html: string; inline?: boolean }) =>
  inline === true ? <span dangerouslySetInnerHTML={{ __html: html }} /> : <div class="prose" dangerouslySetInnerHTML={{ __html: html }} />;

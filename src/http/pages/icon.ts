/** A link of a chain, held fast. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1f5f5b"/><g fill="none" stroke="#f4f1ea" stroke-width="3" stroke-linecap="round"><path d="M13 8v16"/><path d="M19 8v16"/><path d="M9 16h14"/></g></svg>
`;

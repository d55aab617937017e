import { badParameter } from './errors.ts';

/**
 * Stripe's search query language, as far as payments need it: `field:"value"`, `field~"part"`, `metadata["key"]:"value"`,
 * numbers with `>`, `>=`, `<`, `<=`, a leading `-`, and `AND` or `OR`, not mixed. https://docs.stripe.com/search#search-query-language
 */
export function compileSearch(query: string): (row: Record<string, unknown>) => boolean {
  const tokens = query.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const joins = new Set(tokens.filter((token) => token === 'AND' || token === 'OR'));
  if (joins.size > 1) throw badParameter('You cannot combine AND and OR in the same query.', 'query');
  const clauses = tokens.filter((token) => token !== 'AND' && token !== 'OR').map(compileClause);
  if (clauses.length === 0) throw badParameter('The query is empty.', 'query');
  if (clauses.length > 10) throw badParameter('You can include up to 10 clauses in a query.', 'query');
  return joins.has('OR')
    ? (row) => clauses.some((clause) => clause(row))
    : (row) => clauses.every((clause) => clause(row));
}

const CLAUSE = /^(-?)(\w+)(?:\[(?:"([^"]*)"|'([^']*)')\])?(:|~|>=|<=|>|<)(?:"([^"]*)"|'([^']*)'|(\S+))$/;

function compileClause(text: string): (row: Record<string, unknown>) => boolean {
  const parts = CLAUSE.exec(text);
  if (!parts) throw badParameter(`We couldn't parse the search query near '${text}'.`, 'query');
  const [, minus, field = '', keyA, keyB, operator, valueA, valueB, bare] = parts;
  const wanted = valueA ?? valueB ?? bare ?? '';
  const key = keyA ?? keyB;
  const test = (row: Record<string, unknown>) => {
    const value = key === undefined ? row[field] : (row[field] as Record<string, unknown> | undefined)?.[key];
    if (wanted === 'null' && bare !== undefined) return value === undefined || value === null;
    if (value === undefined || value === null) return false;
    switch (operator) {
      case ':':
        return String(value).toLowerCase() === wanted.toLowerCase();
      case '~':
        return String(value).toLowerCase().includes(wanted.toLowerCase());
      case '>':
        return Number(value) > Number(wanted);
      case '>=':
        return Number(value) >= Number(wanted);
      case '<':
        return Number(value) < Number(wanted);
      default:
        return Number(value) <= Number(wanted);
    }
  };
  return minus === '-' ? (row) => !test(row) : test;
}

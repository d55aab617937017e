export * from './books.ts';
export * from './reconcile.ts';
export * from './stripe-events.ts';

import { withTableOptions, type Migration } from './migration.js'

/** Creates the tables of users and tokens. */
export const createUsersAndTokens: Migration = async ({ db, traits, names: { users, tokens }, create }) => {
  const { types } = traits
  await create(withTableOptions(traits, db.schema.createTable(users)
    .addColumn('id', types.key, (column) => traits.autoIncrement(column.primaryKey()))
    .addColumn('email', types.email, (column) => column.notNull().unique())
    .addColumn('name', types.text)
    .addColumn('max_concurrent_bots', types.integer, (column) => column.notNull())
    .addColumn('created_at', types.time, (column) => column.notNull())))
  await create(withTableOptions(traits, db.schema.createTable(tokens)
    .addColumn('id', types.key, (column) => traits.autoIncrement(column.primaryKey()))
    .addColumn('user_id', types.key, (column) => column.notNull())
    .addColumn('hash', types.hash, (column) => column.notNull().unique())
    .addColumn('created_at', types.time, (column) => column.notNull())
    .addForeignKeyConstraint(`${tokens}_user_id_fk`, ['user_id'], users, ['id'], (key) => key.onDelete('cascade'))))
  await create(db.schema.createIndex(`${tokens}_user_id`).on(tokens).column('user_id'))
}

CREATE TABLE tickets (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    priority TEXT NOT NULL
);
CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    ticket_id INTEGER NOT NULL REFERENCES tickets(id),
    note TEXT NOT NULL
);
INSERT INTO tickets VALUES
    (1, 'jonas', 'Printer on floor 2 prints blank pages', 'open', 'normal'),
    (2, 'jonas', 'New keyboard', 'closed', 'low'),
    (3, 'mira', 'Cannot reach the file server', 'open', 'normal'),
    (4, 'mira', 'Second monitor', 'open', 'low');
INSERT INTO notes (ticket_id, note) VALUES
    (1, 'The toner was ordered on Monday.'),
    (2, 'Keyboard handed out.');

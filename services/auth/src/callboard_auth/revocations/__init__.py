"""What has ended: kept in SQL, told to everybody through Redis."""
